/** A checkpoint asked without tools and with, at several limits of turns. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetricRecord } from "@v-triune/monitor";
import { runTraining } from "@v-triune/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRecords } from "../testing/read-records";
import { runCommand } from "../testing/run-command";
import { tinyRun } from "../testing/tiny-run";
import { tinyTurnsRun } from "../testing/tiny-turns-run";
import type { TurnsEvaluation } from "./evaluate-turns";

const folder = mkdtempSync(join(tmpdir(), "v-triune-eval-turns-"));
const run = join(folder, "turns");
const records = (file: string) => readRecords(join(run, file)) as MetricRecord[];
const all = (file: string, step: number) =>
  records(file).find((record) => record.scope === "all" && record.step === step)!.metrics;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const config = await tinyTurnsRun(folder, "turns", 1);
  await runTraining({ ...config, evaluation: { ...config.evaluation, samplesPerSource: 2 } });
});

describe("v-triune eval --tools on,off --turns", () => {
  let found: TurnsEvaluation;
  it("asks the same samples in each way and finds what the run's own evaluation finds", async () => {
    const { code, out } = await runCommand(
      "eval",
      run,
      "--json",
      "--step",
      "0,1",
      "--tools",
      "on,off",
      "--turns",
      "3,1",
    );
    expect(code).toBe(0);
    found = JSON.parse(out) as TurnsEvaluation;
    expect(found.checkpoints.map(({ step }) => step)).toEqual([0, 1]);
    for (const { ways } of found.checkpoints) {
      expect(ways.map(({ setting }) => setting)).toEqual([
        { tools: "off" },
        { tools: "on", turns: 1 },
        { tools: "on", turns: 3 },
      ]);
      for (const { all: accuracy, scores, bySource } of ways) {
        expect(accuracy.samples).toBe(14);
        expect(accuracy.mean).toBeCloseTo(scores.mean, 12);
        expect(accuracy.low).toBeLessThanOrEqual(accuracy.mean);
        expect(accuracy.high).toBeGreaterThanOrEqual(accuracy.mean);
        for (const [source, { mean }] of Object.entries(bySource))
          expect(mean).toBeCloseTo(scores.bySource[source]!, 12);
      }
    }
    const inRun = (readRecords(join(run, "metrics.jsonl")) as MetricRecord[]).find(
      ({ split, scope, step }) => split === "eval" && scope === "all" && step === 1,
    )!.metrics;
    expect(all("eval-turns-3.jsonl", 1)["acc/mean@1"]).toBe(inRun["acc/mean@1"]);
    expect(all("eval-turns-3.jsonl", 1)["turns/mean"]).toBe(inRun["turns/mean"]);
    expect(all("eval-turns-3.jsonl", 1)["turns/mean"]).toBeGreaterThan(1);
    expect(all("eval-turns-1.jsonl", 1)["turns/max"]).toBe(1);
    expect(all("eval-turns-1.jsonl", 1)["turns/over_ratio"]).toBeGreaterThan(0);
    expect(all("eval-tools-off.jsonl", 0)).not.toHaveProperty("turns/mean");
  });

  it("keeps MED's terms of each checkpoint, and says what changed", () => {
    for (const step of [0, 1]) {
      const { metrics } = records("eval-tools.jsonl").find((one) => one.scope === "all" && one.step === step)!;
      const { ways } = found.checkpoints[step]!;
      expect(metrics["med/accuracy_without"]).toBeCloseTo(ways[0]!.all.mean, 12);
      expect(metrics["med/accuracy_offered"]).toBeCloseTo(ways[2]!.all.mean, 12);
      expect(metrics["med/call_rate_on_failures"]).toBeGreaterThan(0);
    }
    const gap = (step: number) => all("eval-tools.jsonl", step)["med/gap"]!;
    expect(found.drift["all"]!.tool).toBeCloseTo(gap(1) - gap(0), 12);
  });

  it("prints tables that fit 80 columns", async () => {
    const { out } = await runCommand("eval", run, "--tools", "on,off", "--turns", "1,6", "--samples", "1");
    expect(out).toMatch(/turns +accuracy +95% interval +calls +taken +over +cut off\n/);
    expect(out).toMatch(/mean of sources\n +off +\d\.\d{3} +\d\.\d{3} \.\. \d\.\d{3} .*\n +1 .*\n +6 /);
    expect(out).toMatch(/Step 1, what the tool brings at 6 turns: MED[\s\S]*call gain[\s\S]*schema harm/);
    expect(out.split("\n").filter((line) => line.length > 80 && !line.includes(folder))).toEqual([]);
  });

  it("says what is wrong", async () => {
    await tinyRun(folder, "plain", 1).then((config) => runTraining(config));
    for (const [args, message] of [
      [[join(folder, "plain"), "--tools", "off"], /one turn and no tools[\s\S]*rollout\.turns/],
      [[run, "--turns", "0"], /--turns[\s\S]*at least 1[\s\S]*0/],
      [[run, "--turns", "2,,4"], /--turns[\s\S]*nothing/],
      [[run, "--tools", "maybe"], /--tools[\s\S]*on, off, or on,off[\s\S]*maybe/],
      [[run, "--tools", "off", "--turns", "2"], /without tools have one turn/],
      [[run, "--turns", "2", "--watch"], /leave out --watch/],
      [[run, "--turns", "4000"], /Answers of 4000 turns do not fit[\s\S]*256 tokens[\s\S]*ask for fewer turns/],
      [[run, "--turns", "9", "--max-new-tokens", "8"], /at most 8 turns/],
      [[run, "--step", "7", "--turns", "2"], /no checkpoint of step 7/],
    ] as const)
      expect(await runCommand("eval", ...args), args.join(" ")).toMatchObject({
        code: 2,
        err: expect.stringMatching(message),
      });
  });
});
