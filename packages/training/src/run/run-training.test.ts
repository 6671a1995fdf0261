/**
 * Whole runs on a tiny model with random weights: what a run leaves behind, and that an interrupted one ends the same.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { writeSamples } from "@v-triune/data-filters";
import { heldOutQuestions, toSample } from "@v-triune/demo-tasks";
import { DatasetError } from "@v-triune/schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { RunFolderError } from "../run-folder/run-folder-error";
import { tinyRun } from "../testing/tiny-run";
import type { TrainingEvent } from "../training-event";
import type { TrainingResult } from "./run-options";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-run-"));
let base: TrainingConfig;
/** A run in the folder `whole` that nothing disturbed. No test changes it. */
let whole: { readonly result: TrainingResult; readonly events: readonly TrainingEvent[] };

beforeAll(async () => {
  base = await tinyRun(folder, "base", 3);
  const events: TrainingEvent[] = [];
  whole = { result: await runTraining(config("whole"), { listen: (event) => events.push(event) }), events };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(name: string, change: Partial<TrainingConfig> = {}): TrainingConfig {
  return { ...base, run: { ...base.run, name, folder: join(folder, name) }, ...change };
}

const weightsOf = (name: string, step: number) =>
  readFileSync(join(folder, name, `checkpoints/step-00000${step}/model.safetensors`));
const numbersOf = (name: string) =>
  readFileSync(join(folder, name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { metrics: Record<string, number> })
    .map((record) => ({
      ...record,
      metrics: Object.fromEntries(Object.entries(record.metrics).filter(([key]) => !/^(timing_s|perf)\//.test(key))),
    }));

describe("runTraining", () => {
  it("leaves run.json, metrics by source and a checkpoint in Hugging Face layout", () => {
    const { result, events } = whole;
    expect(result).toMatchObject({ step: 3, interrupted: false });
    expect(Object.keys(result.before?.bySource ?? {})).toHaveLength(7);
    expect(events.filter(({ type }) => type === "step")).toHaveLength(3);
    const files = readdirSync(join(folder, "whole/checkpoints/step-000003"));
    for (const file of [
      "model.safetensors",
      "config.json",
      "tokenizer.json",
      "chat_template.jinja",
      "optimizer.safetensors",
      "state.json",
    ])
      expect(files).toContain(file);
    const records = numbersOf("whole") as unknown as {
      step: number;
      scope: string;
      split: string;
      metrics: Record<string, number>;
    }[];
    expect(new Set(records.filter(({ split }) => split === "train").map(({ step }) => step))).toEqual(
      new Set([1, 2, 3]),
    );
    const all = records.find(({ scope, split, step }) => scope === "all" && split === "train" && step === 2);
    expect(all?.metrics["actor/grad_norm"]).toBeGreaterThan(0);
    expect(existsSync(join(folder, "whole/run.lock"))).toBe(false);
  });

  it("ends with the same bytes when it was interrupted and resumed", async () => {
    const interruption = { requested: false };
    const first = await runTraining(config("resumed"), {
      interruption,
      listen: ({ type }) => (interruption.requested ||= type === "step"),
    });
    expect(first).toMatchObject({ step: 1, interrupted: true, afterStep: undefined });
    expect(first.before).toEqual(whole.result.before);
    const second = await runTraining(config("resumed"), { resume: true });
    expect(second).toMatchObject({ step: 3, interrupted: false, afterStep: 3 });
    // The evaluation before the first step is the earlier part's.
    expect(second.before).toEqual(whole.result.before);
    expect(second.after).toEqual(whole.result.after);
    expect(weightsOf("resumed", 3).equals(weightsOf("whole", 3))).toBe(true);
    expect(numbersOf("resumed")).toEqual(numbersOf("whole"));
  });

  it("makes up for an evaluation that a kill cut short, and begins again where nothing was saved", async () => {
    await runTraining(config("cut-short"));
    const metrics = join(folder, "cut-short/metrics.jsonl");
    const lines = readFileSync(metrics, "utf8").trim().split("\n");
    const lastEvaluation = lines.filter((line) => line.includes('"step":3,"split":"eval"'));
    expect(lastEvaluation.length).toBeGreaterThan(2);
    // Its first record and half of the second had been written.
    writeFileSync(
      metrics,
      `${[...lines.filter((line) => !lastEvaluation.includes(line)), lastEvaluation[0]].join("\n")}\n` +
        `${lastEvaluation[1]?.slice(0, 40)}`,
    );
    const { after } = await runTraining(config("cut-short"), { resume: true });
    expect(Object.keys(after?.bySource ?? {})).toHaveLength(7);
    expect(numbersOf("cut-short")).toEqual(numbersOf("whole"));

    rmSync(join(folder, "cut-short/checkpoints"), { recursive: true });
    const warnings: string[] = [];
    await runTraining(config("cut-short"), {
      resume: true,
      listen: (event) => event.type === "warning" && warnings.push(event.message),
    });
    expect(warnings).toEqual(["The run had no checkpoint yet, so it begins again."]);
    expect(weightsOf("cut-short", 3).equals(weightsOf("whole", 3))).toBe(true);
    expect(numbersOf("cut-short")).toEqual(numbersOf("whole"));
  });

  it("keeps the tokenizer with each checkpoint when the one it was resumed from is gone", async () => {
    const pruned = config("pruned", { checkpoint: { every: 1, keep: 1, keepBest: null } });
    const interruption = { requested: false };
    await runTraining(pruned, { interruption, listen: ({ type }) => (interruption.requested ||= type === "step") });
    await runTraining(pruned, { resume: true });
    expect(readdirSync(join(folder, "pruned/checkpoints"))).toEqual(["step-000003"]);
    expect(readdirSync(join(folder, "pruned/checkpoints/step-000003"))).toEqual(
      readdirSync(join(folder, "whole/checkpoints/step-000003")),
    );
  });

  it("frees every tensor", async () => {
    const before = tf.memory().numTensors;
    await runTraining(config("leaks"));
    expect(tf.memory().numTensors).toBe(before);
  });

  it("trains off-policy with a KL term to the first weights", async () => {
    const changed = config("off-policy");
    const result = await runTraining({
      ...changed,
      run: { ...changed.run, steps: 1 },
      update: { ...base.update, miniBatch: 2, epochs: 2 },
      algorithm: { ...base.algorithm, kl: { coefficient: 0.01, estimator: "k3", in: "loss" } },
    });
    expect(result.step).toBe(1);
    const [all] = (
      numbersOf("off-policy") as unknown as { scope: string; split: string; metrics: Record<string, number> }[]
    ).filter(({ scope, split }) => scope === "all" && split === "train");
    expect(all?.metrics["actor/kl_loss"]).toBeGreaterThan(0);
  });

  it.each([
    [
      "rloo-gmpo",
      {
        advantage: "rloo",
        loss: "gmpo",
        clipLow: 0.4,
        clipHigh: 0.4,
        aggregation: "seq-mean-token-mean",
        perSource: true,
      },
    ],
    [
      "reinforce-cispo",
      { advantage: "reinforce++", loss: "cispo", kl: { coefficient: 0.01, estimator: "k1", in: "reward" } },
    ],
    ["baseline-sapo", { advantage: "reinforce++-baseline", loss: "sapo", aggregation: "seq-mean-token-mean" }],
    ["gspo-masked", { loss: "gspo", clipLow: 3e-4, clipHigh: 4e-4, aggregation: "token-sum", maskTruncated: true }],
  ] as const)("trains by configuration: %s", async (name, algorithm) => {
    const base = config(name);
    const result = await runTraining({
      ...base,
      data: { ...base.data, eval: [], sampling: null },
      run: { ...base.run, steps: 1 },
      rollout: { ...base.rollout, dynamicSampling: { enabled: true, maxRounds: 2 } },
      reward: { ...base.reward, overlong: { buffer: 4, penalty: 1 } },
      update: { ...base.update, miniBatch: 2 },
      algorithm: { ...base.algorithm, ...algorithm },
    });
    expect(result.step).toBe(1);
    const all = (numbersOf(name) as unknown as { scope: string; metrics: Record<string, number> }[]).find(
      ({ scope }) => scope === "all",
    )!.metrics;
    expect(Number.isFinite(all["actor/loss"])).toBe(true);
    expect(all["rollout/rounds"]).toBeGreaterThanOrEqual(1);
    expect(all["reward/overlong/mean"]).toBeLessThan(0);
    expect("actor/reward_kl_penalty" in all).toBe(name === "reinforce-cispo");
    // What is logged as the reward is what was optimized, and its terms add up to it.
    expect("critic/score/mean" in all).toBe(name === "reinforce-cispo");
    const weighted = (0.9 * all["reward/accuracy/mean"]! + 0.1 * all["reward/format/mean"]!) / (0.9 + 0.1);
    expect(all["critic/rewards/mean"]).toBeCloseTo(
      weighted + all["reward/overlong/mean"]! + (all["reward/kl/mean"] ?? 0),
      6,
    );
    if (name === "reinforce-cispo" && all["rollout/replaced_groups"] === 0)
      expect(all["reward/kl/mean"]).toBeCloseTo(-all["actor/reward_kl_penalty"]!, 12);
    // With every answer cut at the limit and masked, only the count of tokens is left.
    if (name === "gspo-masked" && all["response_length/clip_ratio"] === 1) expect(all["actor/grad_norm"]).toBe(0);
    else expect(all["actor/grad_norm"]).toBeGreaterThan(0);
  });

  it("logs by source, by task and in all what the method's monitoring asks for, in training and evaluation", () => {
    const lines = readFileSync(join(folder, "whole", "metrics.jsonl"), "utf8")
      .trim()
      .split("\n");
    const records = lines.map(
      (line) => JSON.parse(line) as { scope: string; split: string; name: string; metrics: Record<string, number> },
    );
    const both = [
      "critic/rewards/mean",
      "reward/accuracy/mean",
      "reward/format/mean",
      "response_length/mean",
      "response_length/wrong/mean",
      "response_length/clip_ratio",
      "reflection/ratio",
      "correct/ratio",
      "verdict/scored",
      "verdict/skipped",
      "verdict/error",
      "group/zero_signal_ratio",
    ];
    const boxes = [
      "verifier/report_iou_50_label_match_pure/mean",
      "verifier/report_iou_75_label_match_recall/mean",
      "verifier/report_iou_95_label_match_pure/mean",
      "verifier/report_iou_99_label_match_pure/mean",
      "verifier/pure_map_score/mean",
    ];
    const health = [
      "actor/entropy",
      "actor/ppo_kl",
      "actor/pg_clipfrac",
      "actor/pg_clipfrac_lower",
      "actor/grad_norm",
      "actor/grad_norm/language",
      "actor/grad_norm/layer/language.0",
      "timing_s/gen",
      "timing_s/reward",
      "timing_s/update_actor",
      "timing_s/step",
      "perf/generated_tokens_per_s",
      "perf/trained_tokens_per_s",
    ];
    for (const split of ["train", "eval"]) {
      const own = records.filter((record) => record.split === split);
      expect(new Set(own.map(({ scope }) => scope))).toEqual(new Set(["source", "task", "all"]));
      for (const { name, scope, metrics } of own) {
        const boxesAnswered =
          scope === "all" ? [] : ["demo_detect", "demo_ground", "detection", "grounding"].includes(name) ? boxes : [];
        const expected = [
          ...both,
          ...boxesAnswered,
          ...(scope === "all" && split === "train" ? health : []),
          ...(split === "eval" ? ["samples/count", "samples/unscored", "acc/mean@1"] : []),
        ];
        // A source all of whose answers were right has no length of wrong ones.
        const absent = expected.filter(
          (metric) =>
            !(metric in metrics) && !(metric === "response_length/wrong/mean" && metrics["correct/ratio"] === 1),
        );
        expect(absent, `${split} ${scope} ${name}`).toEqual([]);
      }
    }
  });

  it("refuses a folder that holds another run and a damaged checkpoint", async () => {
    await expect(runTraining(config("whole"))).rejects.toThrow("holds another run");
    const damaged = config("damaged", { data: { ...base.data, eval: [], sampling: null } });
    await runTraining(damaged);
    const optimizer = join(folder, "damaged/checkpoints/step-000003/optimizer.safetensors");
    const bytes = readFileSync(optimizer);
    writeFileSync(optimizer, bytes.subarray(0, bytes.length - 4));
    const error = await runTraining(damaged, { resume: true }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RunFolderError);
    expect((error as Error).message).toContain("The checkpoint is damaged");
  });

  it("says that an evaluation has no score rather than that it is 0", async () => {
    const config = await tinyRun(folder, "unscored", 1);
    await expect(
      runTraining({ ...config, strict: false, rollout: { ...config.rollout, maxPromptTokens: 5 } }),
    ).rejects.toThrow(/The evaluation has no score[^]*data\.eval[^]*were left out/);
  });

  it("leaves out a bad row, says so, and stops at it when strict", async () => {
    const [first] = heldOutQuestions(1);
    if (!first) throw new Error("a question");
    const good = await toSample(first.source, "good", first.question);
    const bad = {
      ...good,
      images: [{ bytes: new TextEncoder().encode("<html>no picture</html>"), path: null }],
      extra_info: { id: "bad", image_path: null },
    };
    const path = join(folder, "bad.parquet");
    await writeSamples(path, [good, bad]);
    const events: TrainingEvent[] = [];
    const loose = config("bad-row", {
      data: { train: [{ path, weight: 1, cap: null }], eval: [], sampling: null },
      strict: false,
    });
    await runTraining({ ...loose, run: { ...loose.run, steps: 1 } }, { listen: (event) => events.push(event) });
    const told = events.find(({ type }) => type === "bad-row");
    expect(told && "message" in told ? told.message : "").toContain("demo_count/bad");
    const strict = config("strict", {
      data: { train: [{ path, weight: 1, cap: null }], eval: [], sampling: null },
      strict: true,
    });
    await expect(runTraining(strict)).rejects.toThrow("demo_count/bad");
    await expect(
      runTraining(
        config("nothing", {
          data: { train: [{ path: join(folder, "none.parquet"), weight: 1, cap: null }], eval: [], sampling: null },
        }),
      ),
    ).rejects.toThrow(DatasetError);
  });
});
