import { describe, expect, it } from "vitest";
import { changedAlarmRules, DEFAULT_ALARM_RULES, type AlarmRule } from "./alarm-rules";
import { createAlarmWatch, evaluateAlarm } from "./alarms";
import type { MetricRecord } from "./metric-record";
import type { MetricPoint } from "./metric-stretches";

const rule = (name: string): AlarmRule => DEFAULT_ALARM_RULES.find((candidate) => candidate.name === name)!;
const series = (...values: number[]) => values.map((value, i) => ({ step: i + 1, value }));
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const repeat = (value: number, times: number): number[] => Array.from({ length: times }, () => value);

describe("evaluateAlarm", () => {
  it("sees a reward collapse, says from what and since when", () => {
    const alarm = evaluateAlarm(
      rule("reward collapse"),
      "clevr",
      series(...repeat(0.2, 5), ...repeat(0.7, 5), ...repeat(0.1, 7)),
    );
    expect(alarm).toMatchObject({ name: "clevr", step: 17, since: 15, severity: "stop" });
    expect(alarm!.message).toBe(
      "reward collapse in clevr: critic/rewards/mean fell from 0.7 around step 10 to 0.1, since step 15.",
    );
  });

  it.each<[string, number[], number[]]>([
    ["reward collapse", [...repeat(0.7, 9), 0, 0.7, 0.7], [...repeat(0.7, 6), ...repeat(0.3, 5)]],
    ["reward collapse", [...repeat(0.05, 6), ...repeat(0, 6)], [...repeat(0.5, 6), ...repeat(0, 6)]],
    ["length explosion", [...repeat(100, 6), ...repeat(200, 6)], [...repeat(100, 6), ...repeat(260, 6)]],
    ["length explosion", [...repeat(5, 6), ...repeat(50, 6)], [...repeat(5, 6), ...repeat(70, 6)]],
    ["answers cut off", [0, 0, 0, 0, 1], repeat(0.4, 5)],
    ["groups without signal", repeat(0.7, 9), repeat(0.9, 5)],
    ["entropy collapse", [...repeat(1, 6), ...repeat(0.2, 6)], [...repeat(1, 6), ...repeat(0.05, 6)]],
    ["KL spike", [...repeat(0.001, 8), 0.015], [...repeat(0.001, 8), 0.03]],
    ["KL spike", [...repeat(0.01, 8), 0.05], [...repeat(0.001, 8), Number.NaN]],
    ["gradient spike", [...repeat(0.5, 8), 4], [...repeat(0.5, 8), 6]],
    ["gradient spike", [6], [...repeat(0.5, 8), Infinity]],
    ["vision gradients grow", [...repeat(0.2, 6), ...repeat(0.9, 6)], [...repeat(0.2, 6), ...repeat(1.1, 6)]],
    ["verifier errors", [0, 0, 0.1], repeat(0.1, 3)],
    ["boxes of another convention", [0.2], [0.6]],
    ["stale weights", [1], [2]],
    ["tool collapse", [...repeat(0.6, 6), ...repeat(0.3, 6)], [...repeat(0.6, 6), ...repeat(0.1, 6)]],
    ["call spam", [...repeat(0.5, 6), ...repeat(1.9, 6)], [...repeat(1, 6), ...repeat(4, 6)]],
  ])("%s: quiet, then loud", (name, quiet, loud) => {
    expect(evaluateAlarm(rule(name), "all", series(...quiet))).toBeNull();
    expect(evaluateAlarm(rule(name), "all", series(...loud))).not.toBeNull();
  });

  it("fires on its own fault in a run that is well otherwise, and nothing else does", () => {
    const well: Readonly<Record<string, number>> = {
      "critic/rewards/mean": 0.7,
      "response_length/mean": 200,
      "response_length/clip_ratio": 0.02,
      "group/zero_signal_ratio": 0.4,
      "verdict/error_ratio": 0,
      "actor/entropy": 0.6,
      "actor/ppo_kl": 0.002,
      "actor/grad_norm": 0.5,
      "actor/grad_norm/vision": 0.2,
      "boxes/other_convention_ratio": 0.01,
      "rollout/weights_age": 0,
      "forgetting/certain_drop": 0,
      "tools/rate": 0.6,
      "tools/calls": 1.2,
    };
    const faults: Readonly<Record<string, number>> = {
      "reward collapse": 0.1,
      "length explosion": 900,
      "answers cut off": 0.8,
      "groups without signal": 0.95,
      "verifier errors": 0.4,
      "entropy collapse": 0.01,
      "KL spike": 0.5,
      "gradient spike": 40,
      "vision gradients grow": 3,
      "boxes of another convention": 0.9,
      forgetting: 0.2,
      "tool collapse": 0.02,
      "call spam": 6,
      "stale weights": 3,
    };
    const alarmsOf = (broken: AlarmRule | undefined): string[] => {
      const watch = createAlarmWatch();
      const fired: string[] = [];
      for (let step = 1; step <= 60; step += 1) {
        const noise = 1 + 0.2 * Math.sin(step * 1.7);
        for (const [scope, name] of [
          ["source", "clevr"],
          ["source", "mm_math"],
          ["all", "all"],
        ] as const) {
          const metrics = Object.fromEntries(Object.entries(well).map(([metric, value]) => [metric, value * noise]));
          if (broken !== undefined && step > 40 && scope === broken.scope && name !== "clevr")
            metrics[broken.metric] = faults[broken.name]!;
          // Each rule sees its own split: an evaluation's rewards are no alarm.
          const splits = ["train", "eval"] as const;
          const records = splits.map((split) => ({ step, split, scope, name, metrics }));
          fired.push(...watch.check(records).map((alarm) => `${alarm.rule}, ${alarm.name}`));
        }
      }
      return fired;
    };
    expect(alarmsOf(undefined)).toEqual([]);
    for (const broken of DEFAULT_ALARM_RULES)
      expect(alarmsOf(broken)).toEqual([`${broken.name}, ${broken.scope === "all" ? "all" : "mm_math"}`]);
  });

  it("takes the chance of a few prompts per step for no collapse, and sees a real one", () => {
    const random = mulberry(3);
    /** Rewards of `prompts` prompts per step of 8 answers: most prompts are solved always or never. */
    const steps = (chance: number, prompts: number, first: number, count: number) =>
      Array.from({ length: count }, (_, i) => {
        const rewards = Array.from({ length: prompts }, () => {
          const solved = random() < chance ? 0.95 : 0.05;
          return Array.from({ length: 8 }, () => Number(random() < solved));
        }).flat();
        const value = rewards.reduce((a, b) => a + b, 0) / rewards.length;
        const spread = Math.sqrt(rewards.reduce((sum, one) => sum + (one - value) ** 2, 0) / rewards.length);
        return { step: first + i, value, prompts, spread };
      });
    const firesIn = (points: readonly MetricPoint[]): number | undefined =>
      points.find((_, i) => evaluateAlarm(rule("reward collapse"), "sub1", points.slice(0, i + 1)) !== null)?.step;
    const bare = (points: readonly MetricPoint[]) => points.map(({ step, value }) => ({ step, value }));
    let [withCounts, withoutCounts] = [0, 0];
    for (let run = 0; run < 20; run++) {
      const well = steps(0.3, 1 + (run % 9), 1, 50);
      withCounts += firesIn(well) === undefined ? 0 : 1;
      withoutCounts += firesIn(bare(well)) === undefined ? 0 : 1;
    }
    expect(withCounts).toBe(0);
    // Without counts, the noise between the steps has to tell.
    expect(withoutCounts).toBeLessThanOrEqual(1);
    for (const prompts of [4, 9, 100]) {
      const collapsed = firesIn([...steps(0.6, prompts, 1, 30), ...steps(0.02, prompts, 31, 30)]);
      expect(collapsed).toBeGreaterThan(30);
      expect(collapsed).toBeLessThanOrEqual(30 + Math.max(6, 80 / prompts));
    }
  });

  it("waits until a mean rests on enough prompts", () => {
    const cut = repeat(0.6, 30).map((value, i) => ({ step: i + 1, value, prompts: 1 }));
    const firesAt = (points: readonly MetricPoint[]) =>
      evaluateAlarm(rule("answers cut off"), "clevr", points)?.message ?? null;
    expect(firesAt(cut.slice(0, 19))).toBeNull();
    expect(firesAt(cut.slice(0, 20))).toContain("is 0.6, over 0.3");
    // A step of many prompts weighs more.
    expect(firesAt([...cut.slice(0, 19), { step: 20, value: 0.1, prompts: 40 }])).toBeNull();
  });

  it("takes changes of its numbers, and refuses those that a rule does not have", () => {
    const rules = changedAlarmRules({ "length explosion": false, "answers cut off": { limit: 0.5, severity: "stop" } });
    expect(rules).toHaveLength(DEFAULT_ALARM_RULES.length - 1);
    expect(rules.find(({ name }) => name === "answers cut off")).toMatchObject({
      limit: 0.5,
      severity: "stop",
      window: 5,
    });
    expect(() => changedAlarmRules({ "reward colapse": false })).toThrow(
      /no alarm "reward colapse", but reward collapse, length/,
    );
    expect(() => changedAlarmRules({ "answers cut off": { factor: 2 } })).toThrow(
      'the alarm "answers cut off" has no factor, but limit, window, prompts, severity',
    );
  });

  it("gives each rule a way out and a name of its own", () => {
    expect(new Set(DEFAULT_ALARM_RULES.map(({ name }) => name)).size).toBe(DEFAULT_ALARM_RULES.length);
    for (const { advice } of DEFAULT_ALARM_RULES) expect(advice.length).toBeGreaterThan(40);
  });
});

describe("createAlarmWatch", () => {
  it("weighs a source's steps by the prompts that its records state", () => {
    const record = (step: number, reward: number): MetricRecord => ({
      step,
      split: "train",
      scope: "source",
      name: "sub1",
      metrics: { "critic/rewards/mean": reward, "critic/rewards/std": 0.4, "group/count": 2 },
    });
    const watch = createAlarmWatch();
    // Means over 5 steps: 0.3, then 0.1, on 10 prompts each.
    const rewards = [...repeat(0.3, 6), ...repeat(0.1, 6)];
    expect(rewards.flatMap((reward, i) => watch.check([record(i + 1, reward)]))).toEqual([]);
  });

  const record = (step: number, clipRatio: number, over: Partial<MetricRecord> = {}): MetricRecord => ({
    step,
    split: "train",
    scope: "source",
    name: "clevr",
    metrics: { "response_length/clip_ratio": clipRatio },
    ...over,
  });

  it("tells an alarm when it begins, and again only after it has ended", () => {
    const watch = createAlarmWatch();
    const told: number[] = [];
    const values = [...repeat(0, 5), ...repeat(0.9, 10), ...repeat(0, 10), ...repeat(0.9, 5)];
    for (const [i, value] of values.entries()) if (watch.check([record(i + 1, value)]).length > 0) told.push(i + 1);
    // Two of five steps at 0.9 bring the mean over 0.3, three of them by more than the noise between the steps.
    expect(told).toEqual([8, 28]);
  });

  it("keeps sources apart and leaves evaluation and tasks out of it", () => {
    const watch = createAlarmWatch();
    let alarms = 0;
    for (let step = 1; step <= 6; step += 1) {
      alarms += watch.check([
        record(step, 0),
        record(step, 0.9, { split: "eval" }),
        record(step, 0.9, { scope: "task" }),
      ]).length;
    }
    expect(alarms).toBe(0);
    for (let step = 1; step <= 5; step += 1) alarms += watch.check([record(step, 0.9, { name: "other" })]).length;
    expect(alarms).toBe(1);
  });
});
