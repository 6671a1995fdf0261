/** A run with an adapter: trained, resumed, evaluated apart, exported whole. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetricRecord } from "@v-triune/monitor";
import { type VlmPolicy, loadVlm } from "@v-triune/policy";
import { loadModel, runTraining } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportHuggingFace } from "../export/export-hugging-face";
import { readRecords } from "../testing/read-records";
import { runCommand } from "../testing/run-command";
import { tinyRun } from "../testing/tiny-run";
import { evaluateCheckpoint } from "./evaluate-checkpoint";

const folder = mkdtempSync(join(tmpdir(), "v-triune-eval-"));
const run = join(folder, "lora");
let config: TrainingConfig;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const adapter = { rank: 2, alpha: 4, targetModules: null };
const adapterOf = (name: string, step: number) =>
  readFileSync(join(folder, name, `checkpoints/step-00000${step}/adapter_model.safetensors`));
const records = (file: string) => readRecords(join(run, file));

beforeAll(async () => {
  const base = await tinyRun(folder, "lora", 2);
  config = {
    ...base,
    model: { ...base.model, adapter },
    optimizer: {
      ...base.optimizer,
      lr: 0.05,
      groups: { ...base.optimizer.groups, language: { lr: 0.05, freeze: false } },
    },
    checkpoint: { every: 1, keep: null, keepBest: null },
  };
  await runTraining(config);
});

describe("a run with an adapter", () => {
  it("saves the adapter alone and ends with the same bytes when it was resumed", async () => {
    expect(readdirSync(join(run, "checkpoints/step-000002")).sort()).toEqual([
      "adapter_config.json",
      "adapter_model.safetensors",
      "optimizer.safetensors",
      "state.json",
    ]);
    const again = { ...config, run: { ...config.run, folder: join(folder, "again"), name: "lora" } };
    const interruption = { requested: false };
    await runTraining(again, { interruption, listen: ({ type }) => (interruption.requested ||= type === "step") });
    await runTraining(again, { resume: true });
    expect(adapterOf("again", 2).equals(adapterOf("lora", 2))).toBe(true);
    expect(adapterOf("lora", 1).equals(adapterOf("lora", 2))).toBe(false);
  });

  it("is exported as one model that answers as model and adapter together do", async () => {
    const out = join(folder, "merged");
    expect(await exportHuggingFace({ run, out })).toMatchObject({ step: 2, merged: true });
    for (const name of ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
      expect(existsSync(join(out, name))).toBe(true);
    const rows = [
      { promptIds: Int32Array.from([20, 21, 22]), completionIds: Int32Array.from([23, 24, 25, 26]), group: 0 },
    ];
    const logProbs = (policy: VlmPolicy) => {
      const { logProbs } = policy.logProbs(rows, { width: 4 });
      const values = logProbs.dataSync().slice();
      logProbs.dispose();
      policy.dispose();
      return values;
    };
    const together = logProbs(
      (await loadModel(config.model, config.run.seed, { checkpoint: join(run, "checkpoints/step-000002") })).policy,
    );
    const merged = logProbs(await loadVlm(out));
    const before = logProbs((await loadModel({ ...config.model, adapter: null }, config.run.seed)).policy);
    merged.forEach((value, t) => expect(value).toBeCloseTo(together[t]!, 4));
    expect(Math.max(...merged.map((value, t) => Math.abs(value - before[t]!)))).toBeGreaterThan(1e-3);
    await expect(exportHuggingFace({ run, out })).rejects.toThrow("exists already");
    const separate = join(folder, "separate");
    expect((await runCommand("export", "hf", run, "--separate", "--step", "1", "-o", separate)).code).toBe(0);
    expect(readFileSync(join(separate, "adapter_model.safetensors")).equals(adapterOf("lora", 1))).toBe(true);
  });
});

describe("evaluateCheckpoint", () => {
  it("gives the scores that the run itself found, apart from its metrics", async () => {
    const metrics = readFileSync(join(run, "metrics.jsonl"), "utf8");
    const evaluated = await evaluateCheckpoint({ folder: run });
    expect(evaluated).toMatchObject({ step: 2, n: 1, file: join(run, "eval.jsonl") });
    // What a source forgot is told by the run's evaluations before this one, which a checkpoint alone does not have.
    const ofCheckpoint = ([name]: [string, unknown]): boolean => !name.startsWith("forgetting/");
    const inRun = (records("metrics.jsonl") as MetricRecord[])
      .filter(({ split, step }) => split === "eval" && step === 2)
      .map(({ metrics: all, ...record }) => ({
        ...record,
        metrics: Object.fromEntries(Object.entries(all).filter(ofCheckpoint)),
      }));
    expect(records("eval.jsonl")).toEqual(inRun);
    expect(readFileSync(join(run, "metrics.jsonl"), "utf8")).toBe(metrics);
  });

  it("measures mean, best, worst and majority of n, keeps each step once and benchmarks apart", async () => {
    await evaluateCheckpoint({ folder: run, step: 1 });
    const evaluated = await evaluateCheckpoint({ folder: run, step: 2, n: 4, samplesPerSource: 1 });
    expect(new Set(records("eval.jsonl").map(({ step }) => step))).toEqual(new Set([1, 2]));
    const all = records("eval.jsonl").find(({ scope, step }) => scope === "all" && step === 2)!.metrics;
    for (const name of [
      "acc/mean@4",
      "acc/std@4",
      "acc/best@2/mean",
      "acc/best@4/mean",
      "acc/worst@4/mean",
      "acc/maj@4/mean",
      "acc/source_mean@4",
    ])
      expect(all).toHaveProperty([name]);
    expect(all["samples/count"]).toBe(7);
    expect(all["rollouts/count"]).toBe(28);
    expect(all["acc/source_mean@4"]).toBeCloseTo(evaluated!.scores.mean, 12);
    const { code, out } = await runCommand(
      "eval",
      run,
      "--step",
      "0",
      "--data",
      join(folder, "eval.parquet"),
      "--samples",
      "1",
      "--name",
      "start",
      "--n",
      "2",
    );
    expect(code).toBe(0);
    expect(out).toMatch(/Step 0\n {2}source +samples +mean@2 +std@2 +best@2 +worst@2 +maj@2\n/);
    expect(records("eval-start.jsonl").every(({ step }) => step === 0)).toBe(true);
  });

  it("says what is missing", async () => {
    expect(await runCommand("eval", folder)).toMatchObject({ code: 2, err: expect.stringContaining("holds no run") });
    expect(await runCommand("eval", run, "--step", "7")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no checkpoint of step 7[\s\S]*steps 1, 2/),
    });
    expect(await runCommand("eval", run, "--epsilon", "2")).toMatchObject({
      code: 2,
      err: expect.stringContaining("evaluation.epsilon"),
    });
    expect(await runCommand("eval", run, "--n", "many")).toMatchObject({
      code: 2,
      err: expect.stringContaining("whole number"),
    });
    expect(await runCommand("eval", run, "--name", "../x")).toMatchObject({ code: 2 });
    expect(await runCommand("export", "hg", run)).toMatchObject({
      code: 2,
      err: expect.stringContaining("did you mean"),
    });
    expect(await runCommand("export", "hf", run)).toMatchObject({ code: 2, err: expect.stringContaining("-o FOLDER") });
    writeFileSync(join(run, "checkpoints/step-000001/adapter_model.safetensors"), "x");
    expect(await runCommand("export", "hf", run, "--step", "1", "-o", join(folder, "broken"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("damaged"),
    });
    expect(existsSync(join(folder, "broken"))).toBe(false);
  });
});
