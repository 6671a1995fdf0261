import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReducedPoints } from "../dashboard-api";
import { lttb, minMax, sharedMinMax } from "./downsample";
import { GrowingSeries } from "./growing-series";

const ramp = (length: number, value: (step: number) => number) => ({
  steps: Array.from({ length }, (_, step) => step),
  values: Array.from({ length }, (_, step) => value(step)),
});

describe("minMax", () => {
  it("keeps a series that is short enough as it is, with gaps as null", () => {
    expect(minMax({ steps: [1, 2, 5], values: [0.5, Number.NaN, 2] }, 4)).toEqual({
      steps: [1, 2, 5],
      values: [0.5, null, 2],
    });
  });

  it("loses no extreme, stays within the limit, keeps both ends and the order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 10, maxLength: 400 }),
        fc.integer({ min: 8, max: 60 }),
        (values, limit) => {
          const whole = ramp(values.length, (step) => values[step]!);
          const reduced = minMax(whole, limit);
          expect(reduced.steps.length).toBeLessThanOrEqual(Math.max(limit, values.length <= limit ? values.length : 0));
          expect(Math.max(...(reduced.values as number[]))).toBe(Math.max(...values));
          expect(Math.min(...(reduced.values as number[]))).toBe(Math.min(...values));
          expect(reduced.steps[0]).toBe(0);
          expect(reduced.steps.at(-1)).toBe(values.length - 1);
          expect(reduced.steps).toEqual([...reduced.steps].sort((a, b) => a - b));
        },
      ),
    );
  });
});

describe("lttb", () => {
  it("keeps the spike of a flat line and the asked number of points", () => {
    const reduced = lttb(
      ramp(1000, (step) => (step === 537 ? 9 : 0)),
      20,
    );
    expect(reduced.steps).toHaveLength(20);
    expect(reduced.steps).toContain(537);
    expect([reduced.steps[0], reduced.steps.at(-1)]).toEqual([0, 999]);
  });

  it("leaves out what is not finite", () => {
    expect(lttb({ steps: [1, 2, 3], values: [1, Number.NaN, Infinity] }, 3)).toEqual({ steps: [1], values: [1] });
  });
});

describe("sharedMinMax", () => {
  it("loses no extreme, and gives lines over the same steps the same places, from the first to the last", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.integer({ min: 0, max: 9 })), {
          minLength: 1,
          maxLength: 400,
        }),
        fc.integer({ min: 4, max: 60 }),
        (pairs, limit) => {
          const [one, other] = [0, 1].map((index) =>
            sharedMinMax(
              ramp(pairs.length, (step) => pairs[step]![index]!),
              limit,
            ),
          ) as [ReducedPoints, ReducedPoints];
          expect(one.steps).toEqual(other.steps);
          expect(one.steps.length).toBeLessThanOrEqual(Math.max(limit, pairs.length <= limit ? pairs.length : 0));
          expect(Math.max(...(one.values as number[]))).toBe(Math.max(...pairs.map(([value]) => value)));
          expect(Math.min(...(one.values as number[]))).toBe(Math.min(...pairs.map(([value]) => value)));
          expect([one.steps[0], one.steps.at(-1)]).toEqual([0, pairs.length - 1]);
          expect(new Set(one.steps).size).toBe(one.steps.length);
        },
      ),
    );
  });
});

describe("GrowingSeries", () => {
  it("holds its capacity and its extremes however long the run", () => {
    const series = new GrowingSeries(64);
    for (let step = 0; step < 10_000; step += 1) series.push(step, step === 123 ? 7 : step === 5_000 ? -3 : 0);
    expect(series.length).toBeLessThanOrEqual(64);
    expect(series.steps.at(-1)).toBe(9_999);
    expect(Math.max(...series.values)).toBe(7);
    expect(Math.min(...series.values)).toBe(-3);
    expect([...series.steps]).toEqual([...series.steps].sort((a, b) => a - b));
  });

  it("replaces a repeated step, and what came after one that goes back", () => {
    const series = new GrowingSeries();
    for (const [step, value] of [
      [1, 1],
      [2, 2],
      [2, 3],
      [1, 9],
    ] as const)
      series.push(step, value);
    expect([[...series.steps], [...series.values]]).toEqual([[1], [9]]);
    expect(series.wentBackTo).toBe(1);
  });
});
