/**
 * The memory estimate beside the peak of a process that trains: node tools/run.mjs
 * packages/training/src/model/memory-estimate.bench.ts [wasm|tensorflow] [small|20m|135m ..]
 *
 * Each measurement is a process of its own that loads a model from a file and makes two updates. Default: tensorflow, small and 20m; 135m takes
 * up to 12 GB and minutes. Prints one JSON line per measurement; `ratio` is estimate : peak.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BackendName, selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { type Qwen25VlConfig, createVlm, randomWeights } from "@v-triune/policy";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfigInput } from "../config/training-config-schema";
import { openCompute } from "../parallel/open-compute";
import { smallModelConfig } from "../testing/small-model-config";
import { frozenGroups, learnerConfig } from "../update/learner-config";
import { loadPolicy } from "./load-model";
import { estimateMemory } from "./memory-estimate";

interface Measurement {
  readonly model: string;
  readonly rows: number;
  /** Prompt and completion, half each. */
  readonly length: number;
  readonly adapter: boolean;
  readonly gradientCheckpointing: boolean;
}

const [first = "tensorflow", ...rest] = process.argv.slice(2);
if (first === "measure") await measure(JSON.parse(rest[0]!) as Measurement, rest[1] as BackendName, rest[2]!);
else await compareAll(first as BackendName, rest.length === 0 ? ["small", "20m"] : rest);

/** Shapes by name: the last is SmolLM2-135M's. */
function shapeOf(name: string): Qwen25VlConfig {
  const { text, vision } = smallModelConfig;
  const sized = (changes: Partial<Qwen25VlConfig["text"]>): Qwen25VlConfig => ({
    ...smallModelConfig,
    text: { ...text, headDim: 64, mropeSection: [8, 12, 12], maxPositionEmbeddings: 8192, ...changes },
    vision: { ...vision, outHiddenSize: changes.hiddenSize ?? text.hiddenSize },
  });
  if (name === "small") return smallModelConfig;
  if (name === "20m")
    return sized({
      hiddenSize: 320,
      numLayers: 12,
      numHeads: 5,
      numKeyValueHeads: 5,
      intermediateSize: 1024,
      vocabSize: 8192,
    });
  return sized({
    hiddenSize: 576,
    numLayers: 30,
    numHeads: 9,
    numKeyValueHeads: 3,
    intermediateSize: 1536,
    vocabSize: 49_152,
  });
}

function configFor({ rows, length, adapter, gradientCheckpointing }: Measurement, path: string) {
  const input: TrainingConfigInput = {
    model: adapter ? { path, adapter: { rank: 16 } } : path,
    data: { train: "unused" },
    rollout: { maxPromptTokens: length / 2, maxNewTokens: length / 2 },
    update: { microBatchTokens: rows * length, gradientCheckpointing },
  };
  return resolveTrainingConfig(input, "/");
}

async function measure(measurement: Measurement, prefer: BackendName, folder: string): Promise<void> {
  const backend = await selectBackend({ prefer });
  const config = configFor(measurement, folder);
  const { gradientCheckpointing } = measurement;
  const policy = await loadPolicy(config.model, 1, { freeze: frozenGroups(config), gradientCheckpointing });
  const learner = createLearner(learnerConfig(config, policy));
  const compute = await openCompute({
    policy,
    learner,
    config,
    backend: backend.name,
    workers: 1,
    onProblem: () => {},
  });
  const tokens = (count: number, from: number): Int32Array =>
    Int32Array.from({ length: count }, (_, i) => 20 + ((i * 31 + from * 17) % 480));
  const half = measurement.length / 2;
  const rows = Array.from({ length: measurement.rows }, (_, i) => ({
    row: { promptIds: tokens(half, i), completionIds: tokens(half, i + 7), group: i },
    advantage: i % 2 === 0 ? 1 : -1,
  }));
  for (let update = 0; update < 2; update++) await compute.update(rows);
  const peak = process.resourceUsage().maxRSS * 1024;
  const estimate = estimateMemory(config, policy.config);
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  console.log(
    JSON.stringify({
      ...measurement,
      peakMB: megabytes(peak),
      estimateMB: megabytes(estimate.total),
      ratio: Number((estimate.total / peak).toFixed(2)),
    }),
  );
  await compute.close();
  learner.dispose();
  policy.dispose();
}

async function compareAll(backend: BackendName, models: readonly string[]): Promise<void> {
  await selectBackend({ prefer: "wasm" });
  const folder = mkdtempSync(join(tmpdir(), "v-triune-memory-"));
  try {
    for (const model of models) {
      const policy = createVlm(shapeOf(model), randomWeights(shapeOf(model), { seed: 1 }));
      await policy.save(join(folder, model));
      policy.dispose();
      for (const [rows, length] of [
        [2, 256],
        [4, 512],
        [1, 2048],
      ] as const)
        for (const adapter of [false, true])
          for (const gradientCheckpointing of [false, true]) {
            const measurement: Measurement = { model, rows, length, adapter, gradientCheckpointing };
            const { stdout, stderr, status } = spawnSync(
              process.execPath,
              [
                ...process.execArgv,
                process.argv[1]!,
                "measure",
                JSON.stringify(measurement),
                backend,
                join(folder, model),
              ],
              { encoding: "utf8" },
            );
            console.log(status === 0 ? stdout.trim().split("\n").at(-1) : stderr.trim());
          }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
