import { join } from "node:path";
import type { TrainingResult } from "@v-triune/training";
import { resolveTrainingConfig } from "@v-triune/training/config";
import { expect, it } from "vitest";
import { collectProblems, formatScores, formatStart, formatTrainingResult } from "./training-result";

const scores = (bySource: Record<string, number>) => ({
  bySource,
  mean: Object.values(bySource).reduce((a, b) => a + b) / Object.keys(bySource).length,
  counts: {},
});

it("shows accuracy by source before and after", () => {
  expect(formatScores(scores({ clevr: 0.35, coco: 0.5 }), scores({ coco: 0.25, clevr: 0.7 })).split("\n")).toEqual([
    "  accuracy       before    after   change",
    "  clevr           0.350    0.700   +0.350",
    "  coco            0.500    0.250   -0.250",
    "  mean            0.425    0.475   +0.050",
  ]);
  expect(formatScores(undefined, scores({ clevr: 0.5 })).split("\n")[1]).toBe("  clevr                    0.500");
});

it("ends with where everything is, and how to go on when interrupted", () => {
  const folder = join(process.cwd(), "runs/x");
  const result = {
    folder,
    step: 7,
    interrupted: true,
    before: undefined,
    after: undefined,
    checkpoint: join(folder, "checkpoints/step-000007"),
  } as TrainingResult;
  expect(formatTrainingResult(result)).toBe(
    "\nInterrupted after step 7.\n  run          runs/x\n  checkpoint   runs/x/checkpoints/step-000007\n" +
      "  metrics      runs/x/metrics.jsonl\nGo on with: v-triune train runs/x --resume\n",
  );
  const spaced = { ...result, folder: join(process.cwd(), "my runs/it's") };
  expect(formatTrainingResult(spaced)).toContain(String.raw`v-triune train 'my runs/it'\''s' --resume`);
  expect(formatTrainingResult({ ...result, interrupted: false })).not.toContain("--resume");
  // It was last evaluated before its last step, and says so.
  const measured = { ...result, before: scores({ clevr: 0.5 }), after: scores({ clevr: 0.6 }), afterStep: 4 };
  expect(formatTrainingResult(measured)).toContain("  accuracy       before   step 4   change\n");
  expect(formatTrainingResult({ ...measured, afterStep: 7 })).toContain("before    after   change\n");
});

it("says what is about to run", () => {
  const config = resolveTrainingConfig({ model: "m", data: { train: "d" } });
  const event = {
    type: "started",
    folder: join(process.cwd(), "runs/x"),
    backend: "wasm",
    trainable: 1_234_567,
    samples: 47_000,
    fromStep: 0,
  } as const;
  expect(formatStart(event, config)).toBe(
    "Training runs/x on wasm\n" +
      "  1,234,567 parameters trained, 47,000 samples, 135 steps of 1024 prompts x 8 answers\n\n",
  );
  expect(formatStart({ ...event, fromStep: 3 }, config)).toContain("Going on after step 3 of runs/x");
});

it("counts what was left out and lists the first of it", () => {
  const problems = collectProblems();
  expect(problems.format()).toBe("");
  for (let row = 0; row < 7; row += 1)
    problems.listen({ type: "bad-row", message: `a.parquet row ${row}\nexpected: text` });
  problems.listen({ type: "warning", message: "metrics: csv failed" });
  const alarm = {
    rule: "reward collapse",
    severity: "stop",
    name: "clevr",
    metric: "critic/rewards/mean",
    step: 9,
    since: 7,
    message: "reward collapse in clevr: fell.",
    advice: `Look at the rollouts. ${"x ".repeat(60)}`,
  } as const;
  problems.listen({ type: "alarm", alarm });
  for (const line of problems.format().split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(problems.format()).toMatch(
    /^\nRows left out \(7\):\n {2}a\.parquet row 0\n {4}expected: text\n[\s\S]* {2}\.\. and 2 more\n\nWarnings \(1\):\n {2}metrics: csv failed\n\nAlarms \(1\):\n {2}reward collapse in clevr: fell\.\n {4}Look at the rollouts\./,
  );
});
