import { describe, expect, it } from "vitest";
import { DEFAULT_ALARM_RULES, type AlarmRule } from "./alarm-rules";
import { createAlarmWatch, evaluateAlarm } from "./alarms";
import type { MetricRecord } from "./metric-record";

const rule = (name: string): AlarmRule => DEFAULT_ALARM_RULES.find((candidate) => candidate.name === name)!;
const series = (...values: number[]) => values.map((value, i) => ({ step: i + 1, value }));
const repeat = (value: number, times: number): number[] => Array.from({ length: times }, () => value);

describe("evaluateAlarm", () => {
  it("sees a reward collapse, says from what and since when", () => {
    const alarm = evaluateAlarm(rule("reward collapse"), "clevr", series(...repeat(0.2, 5), ...repeat(0.7, 5), ...repeat(0.1, 7)));
    expect(alarm).toMatchObject({ name: "clevr", step: 17, since: 14, severity: "stop" });
    expect(alarm!.message).toBe("reward collapse in clevr: critic/rewards/mean fell from 0.7 around step 10 to 0.1, since step 14.");
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
    ["stale weights", [1], [2]],
  ])("%s: quiet, then loud", (name, quiet, loud) => {
    expect(evaluateAlarm(rule(name), "all", series(...quiet))).toBeNull();
    expect(evaluateAlarm(rule(name), "all", series(...loud))).not.toBeNull();
  });

  it("gives each rule a way out and a name of its own", () => {
    expect(new Set(DEFAULT_ALARM_RULES.map(({ name }) => name)).size).toBe(DEFAULT_ALARM_RULES.length);
    for (const { advice } of DEFAULT_ALARM_RULES) expect(advice.length).toBeGreaterThan(40);
  });
});

describe("createAlarmWatch", () => {
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
    // Two of five steps at 0.9 bring the mean over 0.3.
    expect(told).toEqual([7, 27]);
  });

  it("keeps sources apart and leaves evaluation and tasks out of it", () => {
    const watch = createAlarmWatch();
    let alarms = 0;
    for (let step = 1; step <= 6; step += 1) {
      alarms += watch.check([record(step, 0), record(step, 0.9, { split: "eval" }), record(step, 0.9, { scope: "task" })]).length;
    }
    expect(alarms).toBe(0);
    for (let step = 1; step <= 5; step += 1) alarms += watch.check([record(step, 0.9, { name: "other" })]).length;
    expect(alarms).toBe(1);
  });
});
