import type { PreparedPrompt, Rollout } from "@v-triune/rollouts";
import { describe, expect, it } from "vitest";
import { sampleGroups } from "./dynamic-sampling";
import { overlongPenalty, penaliseOverlong } from "./overlong-penalty";

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

/** Prompts 0, 1, 2, ..; every third has a signal. */
function engine() {
  let next = 0;
  const asked: number[] = [];
  return {
    asked,
    nextPrompts: async (count: number) =>
      Array.from({ length: count }, () => ({ id: String(next++) }) as PreparedPrompt),
    collect: async (prompts: readonly PreparedPrompt[]) => {
      asked.push(prompts.length);
      return {
        rollouts: prompts.flatMap(({ id }, index) => [rollout(index, 1), rollout(index, Number(id) % 3 === 0 ? 0 : 1)]),
        seconds: { generate: 1, reward: 0 },
      };
    },
  };
}

describe("sampleGroups", () => {
  it("is one round with everything in it where groups are not replaced", async () => {
    const { asked, ...rest } = engine();
    const step = await sampleGroups({ count: 4, dynamicSampling: { enabled: false, maxRounds: 10 }, ...rest });
    expect(asked).toEqual([4]);
    expect(step).toMatchObject({ rounds: undefined, dropped: new Set() });
    expect(step.rollouts).toHaveLength(8);
  });

  it("draws as many further prompts as lack a signal, until all have one", async () => {
    const { asked, ...rest } = engine();
    const step = await sampleGroups({ count: 4, dynamicSampling: { enabled: true, maxRounds: 10 }, ...rest });
    // 0 and 3 have a signal, 4 and 5 none, then 6, and 9 after 8.
    expect(asked).toEqual([4, 2, 2, 1, 1]);
    expect(step.rounds).toBe(5);
    const groups = new Set(step.rollouts.map(({ promptIndex }) => promptIndex));
    expect(groups.size).toBe(10);
    expect([...groups].filter((group) => !step.dropped.has(group))).toEqual([0, 3, 6, 9]);
    expect(step.seconds.generate).toBe(5);
  });

  it("fills the step with groups without signal at the limit", async () => {
    const { asked, ...rest } = engine();
    const step = await sampleGroups({ count: 4, dynamicSampling: { enabled: true, maxRounds: 2 }, ...rest });
    expect(asked).toEqual([4, 2]);
    expect(6 - step.dropped.size).toBe(4);
  });

  it("takes a group that nobody could judge for one without signal", async () => {
    const { nextPrompts } = engine();
    const collect = async () => ({ rollouts: [rollout(0, null), rollout(0, 1)], seconds: { generate: 0, reward: 0 } });
    expect(
      (await sampleGroups({ count: 1, dynamicSampling: { enabled: true, maxRounds: 3 }, nextPrompts, collect })).rounds,
    ).toBe(3);
  });
});

describe("the overlong penalty", () => {
  it("rises linearly over the buffer before the limit", () => {
    const settings = { buffer: 20, penalty: 0.5 };
    expect([10, 80, 90, 100].map((tokens) => overlongPenalty(tokens, 100, settings) + 0)).toEqual([0, 0, -0.25, -0.5]);
  });

  it("is in the reward that is trained on and named beside it, where there is a reward", () => {
    const [scored, failed] = penaliseOverlong([rollout(0, 1, { generatedTokens: 100 }), rollout(0, null)], 100, {
      buffer: 10,
      penalty: 1,
    });
    expect(scored).toMatchObject({ lengthPenalty: -1, result: { reward: 0, accuracy: 1 } });
    expect(failed).not.toHaveProperty("lengthPenalty");
    const rollouts = [rollout(0, 1)];
    expect(penaliseOverlong(rollouts, 100, null)).toBe(rollouts);
  });
});
