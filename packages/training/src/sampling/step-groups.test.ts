import type { Rollout } from "@v-triune/rollouts";
import { describe, expect, it } from "vitest";
import { overlongPenalty, penalizeOverlong } from "./overlong-penalty";
import { StepGroups } from "./step-groups";

const rollout = (promptIndex: number, reward: number | null, change: Partial<Rollout> = {}): Rollout =>
  ({
    promptIndex,
    generatedTokens: 10,
    result:
      reward === null
        ? { status: "error", index: 0, reason: "x" }
        : { status: "scored", index: 0, reward, accuracy: reward, format: 0, metrics: {} },
    ...change,
  }) as Rollout;

/** Fills a step with prompts 0, 1, 2, ..; every third has a signal. */
function fill(dynamicSampling: { readonly enabled: boolean; readonly maxRounds: number }) {
  const groups = new StepGroups({ promptsPerStep: 4, dynamicSampling });
  const asked: number[] = [];
  for (let next = 0; groups.missing > 0; next += asked.at(-1)!) {
    const { missing } = groups;
    asked.push(missing);
    const rollouts = Array.from({ length: missing }, (_, index) => [
      rollout(index, 1),
      rollout(index, (next + index) % 3 === 0 ? 0 : 1),
    ]).flat();
    groups.add(missing, { rollouts, seconds: { generate: 1, reward: 0 } });
  }
  return { asked, step: groups.sampled() };
}

describe("StepGroups", () => {
  it("is one round with everything in it where groups are not replaced", () => {
    const { asked, step } = fill({ enabled: false, maxRounds: 10 });
    expect(asked).toEqual([4]);
    expect(step).toMatchObject({ rounds: undefined, dropped: new Set() });
    expect(step.rollouts).toHaveLength(8);
  });

  it("asks for as many further prompts as lack a signal, until all have one", () => {
    const { asked, step } = fill({ enabled: true, maxRounds: 10 });
    // 0 and 3 have a signal, 4 and 5 none, then 6, and 9 after 8.
    expect(asked).toEqual([4, 2, 2, 1, 1]);
    expect(step.rounds).toBe(5);
    const groups = new Set(step.rollouts.map(({ promptIndex }) => promptIndex));
    expect(groups.size).toBe(10);
    expect([...groups].filter((group) => !step.dropped.has(group))).toEqual([0, 3, 6, 9]);
    expect(step.seconds.generate).toBe(5);
  });

  it("fills the step with groups without signal at the limit", () => {
    const { asked, step } = fill({ enabled: true, maxRounds: 2 });
    expect(asked).toEqual([4, 2]);
    expect(6 - step.dropped.size).toBe(4);
  });

  it("takes a group that nobody could judge for one without signal", () => {
    const groups = new StepGroups({ promptsPerStep: 1, dynamicSampling: { enabled: true, maxRounds: 3 } });
    for (; groups.missing > 0;)
      groups.add(1, { rollouts: [rollout(0, null), rollout(0, 1)], seconds: { generate: 0, reward: 0 } });
    expect(groups.sampled().rounds).toBe(3);
  });
});

describe("the overlong penalty", () => {
  it("rises linearly over the buffer before the limit", () => {
    const settings = { buffer: 20, penalty: 0.5 };
    expect([10, 80, 90, 100].map((tokens) => overlongPenalty(tokens, 100, settings) + 0)).toEqual([0, 0, -0.25, -0.5]);
  });

  it("is in the reward that is trained on and named beside it, where there is a reward", () => {
    const [scored, failed] = penalizeOverlong([rollout(0, 1, { generatedTokens: 100 }), rollout(0, null)], 100, {
      buffer: 10,
      penalty: 1,
    });
    expect(scored).toMatchObject({ lengthPenalty: -1, result: { reward: 0, accuracy: 1 } });
    expect(failed).not.toHaveProperty("lengthPenalty");
    const rollouts = [rollout(0, 1)];
    expect(penalizeOverlong(rollouts, 100, null)).toBe(rollouts);
  });
});
