import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decoupledAdvantages, decoupledScores } from "./decoupled";
import { groupAdvantages } from "./group-relative";

const value = fc.integer({ min: 0, max: 10 }).map((r) => r / 10);
const batch = fc.array(
  fc.record({ a: value, b: value, group: fc.integer({ min: 0, max: 3 }), weight: fc.integer({ min: 1, max: 5 }) }),
  { minLength: 2, maxLength: 24 },
);

describe("GDPO", () => {
  it("tells answers apart that a sum of rewards does not", () => {
    // Sums are 1, 1, 0, 2: GRPO takes the first two for equal.
    const [correct, formatted] = [
      [1, 0, 0, 1],
      [0, 1, 0, 1],
    ];
    const summed = groupAdvantages([1, 1, 0, 2], [0, 0, 0, 0]);
    expect(summed[0]).toBe(summed[1]);
    const components = [
      { rewards: correct, weights: 1 },
      { rewards: formatted, weights: 0.5 },
    ];
    const [first, second, third, fourth] = decoupledAdvantages(components, [0, 0, 0, 0]);
    expect(first).toBeGreaterThan(second!);
    expect(first! + fourth! + second! + third!).toBeCloseTo(0, 12);
  });

  it("does not depend on the scale or offset of a component, beyond epsilon", () => {
    fc.assert(
      fc.property(batch, (rows) => {
        const groups = rows.map(({ group }) => group);
        const of = (scale: number, offset: number) =>
          decoupledScores(
            [
              { rewards: rows.map(({ a }) => a * scale + offset), weights: 1 },
              { rewards: rows.map(({ b }) => b), weights: rows.map(({ weight }) => weight) },
            ],
            groups,
            { epsilon: 0 },
          );
        const [plain, changed] = [of(1, 0), of(1024, 8)];
        plain.forEach((score, i) => expect(changed[i]).toBeCloseTo(score, 8));
      }),
    );
  });

  it("has mean 0 and deviation 1 over the batch, if anything in it has signal", () => {
    fc.assert(
      fc.property(batch, (rows) => {
        const found = decoupledAdvantages(
          [
            { rewards: rows.map(({ a }) => a), weights: 1 },
            { rewards: rows.map(({ b }) => b), weights: 0.3 },
          ],
          rows.map(({ group }) => group),
        );
        const sum = found.reduce((total, advantage) => total + advantage, 0);
        expect(sum).toBeCloseTo(0, 6);
        const squares = found.reduce((total, advantage) => total + advantage ** 2, 0);
        if (found.some((advantage) => Math.abs(advantage) > 1e-3))
          expect(squares / (rows.length - 1)).toBeCloseTo(1, 4);
      }),
    );
  });

  it("gives exactly 0 to groups without signal, to lone answers and to unscored ones", () => {
    const components = [
      { rewards: [0.1, 0.1, 0.1, 1, 0, null, 0.4], weights: 1 },
      { rewards: [0.7, 0.7, 0.7, 0, 0.5, null, 1], weights: 0.1 },
    ];
    const found = decoupledAdvantages(components, [0, 0, 0, 1, 1, 1, 2]);
    expect([...found].map((advantage) => advantage === 0)).toEqual([true, true, true, false, false, true, true]);
    expect([...decoupledAdvantages(components.slice(0, 0), [0, 0])]).toEqual([0, 0]);
  });

  it("leaves out a component where it does not apply, and answers that do not count in the batch", () => {
    const groups = [0, 0, 1, 1];
    const rewards = [1, 0, 1, 0];
    const everywhere = { rewards, weights: 1 };
    const first = { rewards: [0, 1, null, null], weights: 0.5 };
    const alone = decoupledScores([everywhere], groups);
    const both = decoupledScores([everywhere, first], groups);
    expect([...both].slice(2)).toEqual([...alone].slice(2));
    expect(both[0]).toBeLessThan(alone[0]!);
    // Without the second group the deviation of the batch is that of the first.
    const counted = decoupledAdvantages([everywhere, first], groups, { counted: [true, true, false, false] });
    expect(counted[0]! - counted[1]!).toBeCloseTo(Math.SQRT2, 4);
    expect(counted[2]! / counted[0]!).toBeCloseTo(both[2]! / both[0]!, 12);
  });

  it("refuses lists of different lengths and rewards that are not finite", () => {
    expect(() => decoupledAdvantages([{ rewards: [1], weights: 1 }], [0, 0])).toThrow("equally long");
    expect(() => decoupledAdvantages([{ rewards: [1, 0], weights: [1] }], [0, 0])).toThrow(
      "one entry per answer (2), found 1",
    );
    expect(() => decoupledAdvantages([{ rewards: [1, Number.NaN], weights: 1 }], [0, 0])).toThrow("must be finite");
  });
});
