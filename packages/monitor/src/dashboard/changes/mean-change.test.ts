import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { meanChanges, type Unit } from "./mean-change";

interface GoldenCase {
  readonly name: string;
  readonly before: readonly (readonly [sum: number, count: number])[];
  readonly after: readonly (readonly [sum: number, count: number])[];
  readonly change: number;
  readonly error: number;
  readonly low: number;
  readonly high: number;
}

const golden = JSON.parse(
  readFileSync(new URL("../../../../../tools/goldens/bootstrap/mean_change.json", import.meta.url), "utf8"),
) as { readonly cases: readonly GoldenCase[] };

const unit = (...numbers: number[]): Unit => Float64Array.from(numbers);

describe("meanChanges", () => {
  it.each(golden.cases)("$name: agrees with scipy.stats.bootstrap", ({ before, after, change, error, low, high }) => {
    const units = [
      ...before.map(([sum, count]) => unit(sum, count, 0, 0)),
      ...after.map(([sum, count]) => unit(0, 0, sum, count)),
    ];
    const [found] = meanChanges(units, 1, { resamples: 20_000 });
    expect(found!.change).toBeCloseTo(change, 12);
    expect(found!.error! / error).toBeCloseTo(1, 1.5);
    // Both ends are drawn: they agree to a twentieth of a standard error.
    expect(Math.abs(found!.low! - low)).toBeLessThan(0.06 * error);
    expect(Math.abs(found!.high! - high)).toBeLessThan(0.06 * error);
    expect([found!.unitsBefore, found!.unitsAfter]).toEqual([before.length, after.length]);
  });

  it("takes a prompt of both windows as one unit, so that its difficulty cancels", () => {
    const rewards = Array.from({ length: 100 }, (_, prompt) => (prompt % 2 === 0 ? 7 : 1));
    const paired = meanChanges(
      rewards.map((sum) => unit(sum, 8, sum - 1, 8)),
      1,
    )[0]!;
    const apart = meanChanges(
      rewards.flatMap((sum) => [unit(sum, 8, 0, 0), unit(0, 0, sum - 1, 8)]),
      1,
    )[0]!;
    expect(paired.change).toBeCloseTo(-1 / 8, 12);
    expect(apart.change).toBeCloseTo(-1 / 8, 12);
    expect(paired.error).toBeLessThan(1e-12);
    expect(apart.error).toBeGreaterThan(0.04);
  });

  it("keeps the interval's width when a window has more prompts than are drawn apart", () => {
    const prompts = (count: number, side: 0 | 2): Unit[] =>
      Array.from({ length: count }, (_, index) => {
        const one = unit(0, 0, 0, 0);
        one[side] = (index * 7919) % 9;
        one[side + 1] = 8;
        return one;
      });
    const [found] = meanChanges([...prompts(4_000, 0), ...prompts(4_000, 2)], 1);
    // Of 0, 1, .. 8 in eighths: a deviation of 0.3227, over 4,000 prompts on each side.
    expect(found!.error! / (0.3227 * Math.sqrt(2 / 4_000))).toBeCloseTo(1, 0);
    expect(found!.unitsBefore).toBe(4_000);
  });

  it("has no change where a window has no value, and one for each metric apart", () => {
    const [first, second] = meanChanges([unit(1, 2, 0, 0, 1, 2, 4, 2), unit(1, 2, 0, 0, 0, 0, 0, 0)], 2);
    expect(first).toMatchObject({ before: 0.5, after: null, change: null, error: null, low: null, unitsAfter: 0 });
    expect(second).toMatchObject({ before: 0.5, after: 2, change: 1.5, unitsBefore: 1 });
    expect(meanChanges([], 1)[0]).toMatchObject({ before: null, after: null, change: null });
  });

  it("gives the same numbers for the same seed, others for another", () => {
    const units = Array.from({ length: 40 }, (_, index) => unit(index % 5, 8, (index * 3) % 7, 8));
    expect(meanChanges(units, 1, { seed: 4 })).toEqual(meanChanges(units, 1, { seed: 4 }));
    expect(meanChanges(units, 1, { seed: 4 })[0]!.low).not.toBe(meanChanges(units, 1, { seed: 5 })[0]!.low);
  });
});
