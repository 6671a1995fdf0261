/** What alarms make of whole runs: 20 real ones that went well, and simulated ones in which something breaks. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createAlarmWatch } from "./alarms";
import { RunView } from "./dashboard/run-folder/run-view";
import { simulateStep, stepRecords, type SimulatedSource } from "./dashboard/testing/simulated-run";
import type { MetricRecord, MetricScope } from "./metric-record";
import { formatRecordLine } from "./record-line";
import { seededRandom } from "./seeded-random";

type RecordedRow = readonly [step: number, scope: MetricScope, name: string, ...values: (number | null)[]];

/** 20 real runs, each as the records of its steps. */
function healthyRuns(): MetricRecord[][][] {
  const file = new URL("../test-data/healthy-runs.json.gz", import.meta.url);
  const { names, runs } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
    readonly names: readonly string[];
    readonly runs: readonly (readonly RecordedRow[])[];
  };
  return runs.map((rows) => {
    const steps: MetricRecord[][] = [];
    for (const [step, scope, name, ...values] of rows) {
      const metrics = Object.fromEntries(
        names.flatMap((metric, index) => (values[index] === null ? [] : [[metric, values[index]!] as const])),
      );
      (steps[step] ??= []).push({ step, split: "train", scope, name, metrics });
    }
    return steps.filter((records) => records !== undefined);
  });
}

function alarmsOf(steps: readonly (readonly MetricRecord[])[]): string[] {
  const watch = createAlarmWatch();
  return steps.flatMap((records) => watch.check(records).map(({ rule, name, step }) => `${rule}, ${name}, ${step}`));
}

const ONSET = 31;
const from = (before: number, later: number) => (step: number) => (step < ONSET ? before : later);
const sources = (count: number, promptsPerStep: number): SimulatedSource[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `source ${index}`,
    task: "task",
    promptsPerStep,
    solved: () => 0.3 + (index % 5) / 10,
  }));
const withChange = (list: readonly SimulatedSource[], change: Partial<SimulatedSource>): SimulatedSource[] =>
  list.map((source, index) => (index === 2 ? { ...source, ...change } : source));

function simulated(
  list: readonly SimulatedSource[],
  seed: number,
  entropy: (step: number) => number = () => 0.6,
): MetricRecord[][] {
  const random = seededRandom(seed);
  return Array.from({ length: 48 }, (_, index) => {
    const noise = (): number => 0.9 + 0.2 * random();
    const health = {
      "actor/entropy": entropy(index + 1) * noise(),
      "actor/grad_norm": 0.7 * noise(),
      "actor/ppo_kl": 0.002 * noise(),
    };
    return stepRecords(simulateStep(list, index + 1, random), index + 1, health);
  });
}

describe("runs that go well", () => {
  it("raise no alarm in 20 real runs of 14 prompts per step, neither while they train nor when they are opened", async () => {
    const folder = mkdtempSync(join(tmpdir(), "v-triune-healthy-"));
    const raised: string[] = [];
    const runs = healthyRuns();
    expect(runs).toHaveLength(20);
    for (const [index, steps] of runs.entries()) {
      raised.push(...alarmsOf(steps).map((alarm) => `run ${index}: ${alarm}`));
      writeFileSync(join(folder, "metrics.jsonl"), `${steps.flat().map(formatRecordLine).join("\n")}\n`);
      const run = new RunView("healthy", folder);
      await run.refresh();
      raised.push(...run.alarms().map(({ rule, name, step }) => `run ${index}, opened: ${rule}, ${name}, ${step}`));
    }
    rmSync(folder, { recursive: true });
    expect(raised).toEqual([]);
  });

  it("raise none in 20 seeds with two prompts per step, of one source, of seven or of none that is recorded", () => {
    const raised: string[] = [];
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = seededRandom(seed);
      const isIn = Array.from({ length: 49 }, () => [Math.floor(random() * 7), Math.floor(random() * 7)]);
      const seven = sources(7, 0).map((source, index) => ({
        ...source,
        promptsPerStep: (step: number) => isIn[step]!.filter((one) => one === index).length,
        solved: (step: number) => 0.2 + step / 150,
      }));
      for (const list of [seven, sources(1, 2)])
        raised.push(...alarmsOf(simulated(list, seed)).map((alarm) => `seed ${seed}: ${alarm}`));
    }
    expect(raised).toEqual([]);
  });
});

describe("what breaks", () => {
  /** Steps until what is broken rests on the 20 prompts that the rules ask for, and on most of their window. */
  const evidence = (promptsPerStep: number): number => ONSET - 1 + Math.max(3, Math.ceil(20 / promptsPerStep));

  it.each([
    ["reward collapse", { solved: from(0.6, 0.02) }],
    ["length explosion", { tokens: from(60, 240) }],
    ["answers cut off", { cut: from(0.02, 0.7) }],
  ] as const)("%s of one source of 18 is found within 3 steps of evidence, and nothing else", (rule, change) => {
    for (const [promptsPerStep, seed] of [
      [2, 1],
      [2, 2],
      [6, 1],
      [6, 2],
      [20, 1],
    ] as const) {
      const alarms = alarmsOf(simulated(withChange(sources(18, promptsPerStep), change), seed));
      expect([...new Set(alarms.map((alarm) => alarm.replace(/, \d+$/, "")))]).toEqual([`${rule}, source 2`]);
      const step = Number(/\d+$/.exec(alarms[0]!)![0]);
      expect(step).toBeGreaterThanOrEqual(ONSET);
      expect(step).toBeLessThanOrEqual(evidence(promptsPerStep) + 3);
    }
  });

  it("entropy collapse is found within 3 steps of a window of collapsed steps", () => {
    for (const seed of [1, 2, 3]) {
      const [alarm, ...others] = alarmsOf(simulated(sources(7, 2), seed, from(0.6, 0.01)));
      expect(others).toEqual([]);
      expect(Number(/^entropy collapse, all, (\d+)$/.exec(alarm!)![1])).toBeLessThanOrEqual(ONSET + 4 + 3);
    }
  });

  it.each([
    ["reward collapse", { solved: from(0.6, 0.02) }],
    ["length explosion", { tokens: from(60, 240) }],
    ["answers cut off", { cut: from(0.02, 0.7) }],
  ] as const)("%s is found over all of a run that records no sources and no prompts", (rule, change) => {
    for (const seed of [1, 2, 3]) {
      const steps = simulated(withChange(sources(5, 20), change).slice(2, 3), seed).map((records) =>
        records
          .filter(({ scope }) => scope === "all")
          .map((record) => ({
            ...record,
            metrics: Object.fromEntries(
              Object.entries(record.metrics).filter(([name]) => /(mean|clip_ratio|entropy|grad_norm)$/.test(name)),
            ),
          })),
      );
      const alarms = alarmsOf(steps);
      expect(alarms[0]).toMatch(new RegExp(`^${rule}, all, `));
      expect(Number(/\d+$/.exec(alarms[0]!)![0])).toBeLessThanOrEqual(ONSET + 4 + 3);
    }
  });
});
