import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupAdvantages } from "./group-relative";
import { groupPolicyGradientAdvantages } from "./group-policy-gradient";
import { leaveOneOutAdvantages } from "./leave-one-out";
import { optimalRewardBaselineAdvantages } from "./optimal-reward-baseline";
import { passAtKAdvantages } from "./pass-at-k";
import { perSourceAdvantages } from "./per-source";
import { reinforcePlusPlusBaselineAdvantages } from "./reinforce-plus-plus";

const reward = fc.option(
  fc.integer({ min: 0, max: 10 }).map((r) => r / 10),
  { nil: null, freq: 4 },
);
const batch = fc.array(fc.tuple(reward, fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 24 });

const estimators: Record<string, (rewards: (number | null)[], groups: number[]) => Float64Array> = {
  GRPO: (r, g) => groupAdvantages(r, g),
  "Dr.GRPO": (r, g) => groupAdvantages(r, g, { normalizeByStd: false }),
  RLOO: (r, g) => leaveOneOutAdvantages(r, g),
  OPO: (r, g) =>
    optimalRewardBaselineAdvantages(
      r,
      g,
      r.map((_, i) => 1 + (i % 5)),
    ),
  GPG: (r, g) => groupPolicyGradientAdvantages(r, g),
  "pass@k": (r, g) => passAtKAdvantages(r, g),
};

describe.each(Object.entries(estimators))("%s", (_, estimate) => {
  it("gives exactly 0 to groups of equal rewards, to lone rollouts and to unscored ones", () => {
    expect([...estimate([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0, 0, 0, 0])]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect([...estimate([0.7, null], [0, 0])]).toEqual([0, 0]);
  });

  it("is not biased by unscored rollouts: the others get what they would get without them", () => {
    fc.assert(
      fc.property(batch, (rows) => {
        const lengthsMatter = estimate === estimators["OPO"];
        const kept = rows.filter(([r]) => r !== null);
        if (lengthsMatter && kept.length !== rows.length) return;
        const all = estimate(
          rows.map(([r]) => r),
          rows.map(([, g]) => g),
        );
        const alone = estimate(
          kept.map(([r]) => r),
          kept.map(([, g]) => g),
        );
        expect([...all].filter((_a, i) => rows[i]![0] !== null)).toEqual([...alone]);
        rows.forEach(([r], i) => r === null && expect(all[i]).toBe(0));
      }),
    );
  });

  it("refuses NaN rewards and lists of different length", () => {
    expect(() => estimate([NaN, 1], [0, 0])).toThrow("rewards[0] must be finite, found NaN");
    expect(() => estimate([1, 0], [0])).toThrow("equally long");
  });
});

describe("group advantages", () => {
  it("have mean 0 and, standardized, sample deviation 1 in every group with a signal", () => {
    fc.assert(
      fc.property(batch, (rows) => {
        const rewards = rows.map(([r]) => r);
        const groups = rows.map(([, g]) => g);
        const advantages = groupAdvantages(rewards, groups);
        for (const group of new Set(groups)) {
          const own = [...advantages].filter((_, i) => groups[i] === group && rewards[i] !== null);
          if (own.every((a) => a === 0)) continue;
          expect(Math.abs(own.reduce((a, b) => a + b, 0))).toBeLessThan(1e-9);
          expect(own.reduce((a, b) => a + b * b, 0) / (own.length - 1)).toBeCloseTo(1, 3);
        }
      }),
    );
  });

  it("of the example in the documentation", () => {
    const found = [...groupAdvantages([1, 0, null, 1], ["a", "a", "a", "a"])];
    [0.57735, -1.1547, 0, 0.57735].forEach((expected, i) => expect(found[i]).toBeCloseTo(expected, 4));
  });
});

describe("per-source normalization", () => {
  it("brings every source's non-zero advantages to root mean square 1 and keeps zeros and signs", () => {
    const found = perSourceAdvantages([3, -4, 0, 0.01, -0.01], ["boxes", "boxes", "boxes", "maths", "maths"]);
    expect(found[2]).toBe(0);
    expect((found[0]! ** 2 + found[1]! ** 2) / 2).toBeCloseTo(1, 5);
    expect((found[3]! ** 2 + found[4]! ** 2) / 2).toBeCloseTo(1, 3);
    expect([...found].map(Math.sign)).toEqual([1, -1, 0, 1, -1]);
  });
});

describe("REINFORCE++ with baseline", () => {
  it("leaves unscored rows out of the batch statistics", () => {
    const grid = { rows: 3, width: 2, mask: [1, 1, 1, 1, 1, 1] };
    const found = reinforcePlusPlusBaselineAdvantages(grid, [1, 0, null], [0, 0, 0]);
    expect(Array.from(found).slice(4)).toEqual([0, 0]);
    expect(found[0]).toBeCloseTo(0.5 / Math.sqrt(1 / 3), 6);
  });
});
