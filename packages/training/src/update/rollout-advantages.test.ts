import { describe, expect, it } from "vitest";
import { type JudgedRollout, rolloutAdvantages } from "./rollout-advantages";

const judged = (reward: number | null, group: number, change: Partial<JudgedRollout> = {}): JudgedRollout => ({
  reward,
  group,
  source: "a",
  tokens: 2,
  masked: false,
  ...change,
});
const pair = [judged(1, 0), judged(0, 0), judged(null, 0), judged(0.5, 1), judged(0.5, 1)];

describe("rolloutAdvantages", () => {
  it("compares answers in their group, each estimator in its own way, and leaves out what has no score", () => {
    const of = (advantage: "grpo" | "dr-grpo" | "rloo") => rolloutAdvantages(pair, { advantage, perSource: false });
    expect(of("dr-grpo")).toEqual([0.5, -0.5, null, 0, 0]);
    expect(of("rloo")).toEqual([1, -1, null, 0, 0]);
    const [won, lost, ...rest] = of("grpo");
    expect(won).toBeCloseTo(Math.SQRT1_2, 5);
    expect(lost).toBeCloseTo(-Math.SQRT1_2, 5);
    expect(rest).toEqual([null, 0, 0]);
  });

  it("compares the components of answers, those that count in the batch, by gdpo", () => {
    const answer = (accuracy: number, format: number, group: number, change: Partial<JudgedRollout> = {}) =>
      judged(accuracy, group, {
        components: [
          { name: "accuracy", value: accuracy, weight: 1 },
          { name: "format", value: format, weight: 0.5 },
        ],
        ...change,
      });
    const none = judged(null, 0, { components: [] });
    const rollouts = [answer(1, 0, 0), answer(0, 1, 0), none, answer(0.5, 1, 1), answer(0.5, 1, 1)];
    const of = (all: JudgedRollout[]) => rolloutAdvantages(all, { advantage: "gdpo", perSource: false });
    // Standings are ±√½ in both components: s = ±√½ / 2, 0, 0, whose deviation is √(1/12).
    const expected = Math.SQRT1_2 / 2 / Math.sqrt(1 / 12);
    expect(of(rollouts)).toEqual([expect.closeTo(expected, 4), expect.closeTo(-expected, 4), null, 0, 0]);
    const masked = of([...rollouts.slice(0, 3), answer(9, 1, 1, { masked: true }), answer(0.5, 1, 1)]);
    expect(masked.every((value) => value === null || Number.isFinite(value))).toBe(true);
    expect(masked[0]).not.toBe(of(rollouts)[0]);
  });

  it("takes an answer's KL off its reward before it is compared", () => {
    const rollouts = [judged(1, 0, { tokenPenalty: [0.25, 0.25] }), judged(0, 0, { tokenPenalty: [0, 0] })];
    expect(rolloutAdvantages(rollouts, { advantage: "dr-grpo", perSource: false })).toEqual([0.25, -0.25]);
  });

  it("brings sources to one scale", () => {
    const rollouts = [judged(1, 0), judged(0, 0), judged(0.02, 1, { source: "b" }), judged(0, 1, { source: "b" })];
    for (const value of rolloutAdvantages(rollouts, { advantage: "dr-grpo", perSource: true }))
      expect(Math.abs(value as number)).toBeCloseTo(1, 3);
  });

  it("whitens over the tokens of the batch, masked answers and the unscored aside", () => {
    const rollouts = [judged(1, 0), judged(0, 0, { tokens: 3 }), judged(null, 0), judged(9, 0, { masked: true })];
    const [won, lost, none, masked] = rolloutAdvantages(rollouts, { advantage: "reinforce++", perSource: false }) as [
      Float64Array,
      Float64Array,
      null,
      Float64Array,
    ];
    // Returns 1, 1, 0, 0, 0: mean 0.4, sample variance 0.3.
    for (const value of won) expect(value).toBeCloseTo(0.6 / Math.sqrt(0.3), 6);
    for (const value of lost) expect(value).toBeCloseTo(-0.4 / Math.sqrt(0.3), 6);
    expect([won.length, lost.length, none]).toEqual([2, 3, null]);
    expect([...masked]).toEqual([0, 0]);
    const [first] = rolloutAdvantages([judged(1, 0, { tokenPenalty: [0, 2] }), judged(0, 0)], {
      advantage: "reinforce++",
      perSource: false,
    }) as Float64Array[];
    // The penalty of a late token reaches the earlier ones: 1 - 2 on both.
    expect(first![0]).toBeLessThan(0);
    expect(first![0]).toBeCloseTo(first![1]!, 12);
  });

  it("takes the group's mean as baseline before whitening", () => {
    const rollouts = [judged(3, 0), judged(2, 0), judged(1, 1), judged(0, 1)];
    const values = rolloutAdvantages(rollouts, {
      advantage: "reinforce++-baseline",
      perSource: false,
    }) as Float64Array[];
    expect(values[0]![0]).toBeCloseTo(values[2]![0]!, 12);
    expect(values[0]![0]).toBeGreaterThan(0);
    expect(rolloutAdvantages([judged(1, 0, { tokens: 1 })], { advantage: "reinforce++", perSource: false })).toEqual([
      new Float64Array(1),
    ]);
  });
});
