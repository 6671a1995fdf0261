/**
 * The memory estimate beside the peak of a process that trains: node tools/run.mjs
 * packages/training/src/model/memory-estimate.bench.ts [wasm|tensorflow] [small|20M|135M ..]
 *
 * Each measurement is a process of its own that loads a model from a file and makes two updates. Default: tensorflow, small
 * and 20M; 135M takes up to 9 GB and minutes. Prints one JSON line per measurement; `ratio` is estimate : peak, both without
 * what the process takes before the model is loaded, as a run opens more than an update needs.
 *
 * BENCH_CELLS=0,5 takes these of a model's measurements, BENCH_LENGTHS=1x4096 (rows x tokens) other ones, BENCH_DTYPE=bfloat16
 * keeps what is frozen in bfloat16.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { type BackendName, selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfigInput } from "../config/training-config-schema";
import { arithmeticOf, decodesNatively, type GradientCheckpointing } from "@v-triune/policy";
import { openCompute } from "../parallel/open-compute";
import { type ModelSize, writeModelOfSize } from "../testing/model-shapes";
import { frozenGroups, learnerConfig } from "../update/learner-config";
import { loadPolicy } from "./load-model";
import { estimateMemory } from "./memory-estimate";

interface Measurement {
  readonly model: string;
  readonly rows: number;
  /** Prompt and completion, half each. */
  readonly length: number;
  readonly adapter: boolean;
  readonly gradientCheckpointing: GradientCheckpointing;
}

const dtype = process.env.BENCH_DTYPE === "bfloat16" ? "bfloat16" : undefined;
const lengths = (process.env.BENCH_LENGTHS ?? "2x256,4x512,1x2048")
  .split(",")
  .map((text) => text.split("x").map(Number));
const cells = process.env.BENCH_CELLS?.split(",").map(Number);
const [first = "tensorflow", ...rest] = process.argv.slice(2);
if (first === "measure") await measure(JSON.parse(rest[0]!) as Measurement, rest[1] as BackendName, rest[2]!);
else await compareAll(first as BackendName, rest.length === 0 ? ["small", "20M"] : (rest as ModelSize[]));

function configFor({ rows, length, adapter, gradientCheckpointing }: Measurement, path: string) {
  const input: TrainingConfigInput = {
    model: { path, ...(adapter && { adapter: { rank: 16 } }), ...(dtype && { dtype }) },
    data: { train: "unused" },
    // What is measured generates nothing.
    rollout: {
      maxPromptTokens: length / 2,
      maxNewTokens: length / 2,
      promptsPerStep: rows,
      n: 1,
      decodeWith: "backend",
    },
    algorithm: { advantage: "reinforce++" },
    update: { miniBatch: rows, microBatchTokens: rows * length, gradientCheckpointing },
  };
  return resolveTrainingConfig(input, "/");
}

async function measure(measurement: Measurement, prefer: BackendName, folder: string): Promise<void> {
  const backend = await selectBackend({ prefer });
  // The first op starts threads.
  const ones = tf.ones([64, 64]);
  const product = tf.matMul(ones, ones);
  product.dataSync();
  tf.dispose([ones, product]);
  const base = process.memoryUsage().rss;
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
  const estimate = estimateMemory(config, policy.config, {
    promptTokens: measurement.length / 2,
    nativeDecoding: decodesNatively(),
    arithmetic: arithmeticOf(),
  });
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  console.log(
    JSON.stringify({
      ...measurement,
      ...(dtype && { dtype }),
      load: Number(loadavg()[0]!.toFixed(1)),
      baseMB: megabytes(base),
      peakMB: megabytes(peak - base),
      estimateMB: megabytes(estimate.total - estimate.process),
      ratio: Number(((estimate.total - estimate.process) / (peak - base)).toFixed(2)),
    }),
  );
  await compute.close();
  learner.dispose();
  policy.dispose();
}

async function compareAll(backend: BackendName, models: readonly ModelSize[]): Promise<void> {
  await selectBackend({ prefer: "wasm" });
  const folder = mkdtempSync(join(tmpdir(), "v-triune-memory-"));
  try {
    for (const model of models) {
      await writeModelOfSize(join(folder, model), model);
      const measurements = lengths.flatMap(([rows = 1, length = 2]) =>
        [false, true].flatMap((adapter) =>
          ([false, "mlp", true] as const).map((gradientCheckpointing): Measurement => {
            return { model, rows, length, adapter, gradientCheckpointing };
          }),
        ),
      );
      for (const measurement of measurements.filter((_, index) => cells?.includes(index) ?? true)) {
        const { stdout, stderr, status } = spawnSync(
          process.execPath,
          [...process.execArgv, process.argv[1]!, "measure", JSON.stringify(measurement), backend, join(folder, model)],
          { encoding: "utf8" },
        );
        console.log(status === 0 ? stdout.trim().split("\n").at(-1) : stderr.trim().slice(-1000));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
