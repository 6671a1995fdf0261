/**
 * Memory of loading, of training with and without gradient checkpointing, and after many steps, on the backends that
 * work here: node tools/run.mjs packages/policy/src/memory.bench.ts [wasm|tensorflow]. Each measurement has a process
 * of its own (Linux); BENCH_PYTHON=FILE adds PyTorch's (tools/peers/pytorch_memory.py). Prints one JSON line per
 * measurement.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend, type BackendName } from "@v-triune/backend";
import { parameterShapes, randomWeights, type VlmConfig, type VlmPolicy, type TokenizedRollout } from "./index";
import { benchmarkConfig, gridPicture } from "./testing/tiny-model";
import { createVlm, loadVlm } from "./folder/read-model";
import { writeModelConfig } from "./folder/save-policy";
import { writeSafetensors } from "./folder/safetensors-writer";

const MEGABYTE = 2 ** 20;

/** 24 layers of width 256: 23 million parameters, 2,048 tokens per batch. */
function deepConfig(): VlmConfig {
  const config = benchmarkConfig({ vocabSize: 2048, intermediateSize: 1024 });
  return {
    ...config,
    text: { ...config.text, hiddenSize: 256, numLayers: 24, headDim: 64, mropeSection: [8, 12, 12] },
    vision: { ...config.vision, outHiddenSize: 256 },
  };
}

/** Width 1024: 115 million parameters. */
function wideConfig(): VlmConfig {
  const config = benchmarkConfig({ vocabSize: 32_000, intermediateSize: 2816 });
  return {
    ...config,
    text: {
      ...config.text,
      hiddenSize: 1024,
      numLayers: 7,
      numHeads: 16,
      numKeyValueHeads: 8,
      headDim: 64,
      mropeSection: [8, 12, 12],
    },
    vision: { ...config.vision, outHiddenSize: 1024 },
  };
}

function report(record: Record<string, unknown>): void {
  console.log(JSON.stringify({ backend: tf.getBackend(), ...record }));
}

/** Most memory in use since the last `resetPeak`, bytes. */
function peakMemory(): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]);
}

function resetPeak(): void {
  (globalThis as { gc?: () => void }).gc?.();
  writeFileSync("/proc/self/clear_refs", "5");
}

/** Two shards of bfloat16. */
async function writeShards(folder: string): Promise<void> {
  const config = wideConfig();
  const shapes = parameterShapes(config);
  const weightMap: Record<string, string> = {};
  for (const part of [0, 1]) {
    const file = `model-0000${part + 1}-of-00002.safetensors`;
    const members = shapes.filter((_, i) => i % 2 === part);
    await writeSafetensors(
      join(folder, file),
      members.map(({ name, shape }) => ({
        name,
        shape,
        dtype: "BF16",
        data: () => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01),
      })),
    );
    for (const { name } of members) weightMap[name] = file;
  }
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map: weightMap }));
  writeModelConfig(folder, config);
}

/** The peak while weights are read and used once, beside their size in float32. */
async function load(folder: string): Promise<void> {
  resetPeak();
  const before = peakMemory();
  const start = performance.now();
  const policy = await loadVlm(folder);
  const seconds = (performance.now() - start) / 1000;
  const loaded = peakMemory() - before;
  policy.forward([{ promptIds: Int32Array.of(7, 8, 9) }]).dataSync();
  const weights =
    4 * parameterShapes(policy.config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const files = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const used = peakMemory() - before;
  report({
    what: "load bfloat16 shards",
    fileMegabytes: Math.round(files / MEGABYTE),
    float32Megabytes: Math.round(weights / MEGABYTE),
    seconds: Number(seconds.toFixed(2)),
    peakOverFloat32: Number((loaded / weights).toFixed(3)),
    peakWithFirstUseOverFloat32: Number((used / weights).toFixed(3)),
  });
}

function rows(count: number, length: number, vocabulary: number): TokenizedRollout[] {
  return Array.from({ length: count }, (_, b) => ({
    promptIds: Int32Array.of(10 + b),
    completionIds: Int32Array.from({ length }, (_, t) => 10 + ((b * 7919 + t * 104_729) % (vocabulary - 20))),
    group: b,
  }));
}

function trainStep(policy: VlmPolicy, batch: readonly TokenizedRollout[]): void {
  const variables = policy.parameters.map(({ variable }) => variable);
  const { value, grads } = tf.variableGrads(
    () => tf.tidy(() => tf.neg(tf.mean(policy.logProbs(batch, { width: 256 }).logProbs)) as tf.Scalar),
    variables,
  );
  value.dataSync();
  tf.dispose([value, grads]);
}

/** 8 texts of 256 tokens through 24 layers, forward and backward. */
async function train(gradientCheckpointing: boolean): Promise<void> {
  const config = deepConfig();
  const policy = createVlm(config, randomWeights(config, { seed: 1 }), {
    freeze: ["vision", "connector"],
    gradientCheckpointing,
  });
  const batch = rows(8, 256, config.text.vocabSize);
  trainStep(policy, batch);
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    trainStep(policy, batch);
    best = Math.min(best, performance.now() - start);
  }
  const peak = peakMemory();
  const before = tf.memory().numBytes;
  const gradients = policy.parameters.reduce((sum, { variable }) => sum + 4 * variable.size, 0);
  const { peakBytes } = await tf.profile(() => trainStep(policy, batch));
  report({
    what: "train 24 layers, 8 × 256 tokens",
    gradientCheckpointing,
    ms: Math.round(best),
    activationMegabytes: Math.round((peakBytes - before - gradients) / MEGABYTE),
    processMegabytes: Math.round(peak / MEGABYTE),
  });
}

/** Tensors and memory after 200 updates and 200 generations. */
async function soak(): Promise<void> {
  const config = benchmarkConfig({ vocabSize: 176, intermediateSize: 256 });
  const policy = createVlm(config, randomWeights(config, { seed: 1 }), { gradientCheckpointing: true });
  const prompt = {
    promptIds: Int32Array.from({ length: 25 }, (_, i) => (i >= 4 && i < 13 ? config.imageTokenId : 10 + i)),
    images: gridPicture(config, 6, 6, 1),
  };
  const batch = rows(4, 12, 176).map((row) => ({ ...row, ...prompt, group: 0 }));
  let tensors = 0;
  let memory = 0;
  for (let round = 0; round <= 200; round++) {
    trainStep(policy, batch);
    for await (const completion of policy.generate([prompt], { n: 4, maxNewTokens: 8, seed: round })) void completion;
    if (round === 0) tensors = tf.memory().numTensors;
    if (round === 20) memory = process.memoryUsage.rss();
  }
  report({
    what: "200 steps and 200 generations",
    tensorsLeft: tf.memory().numTensors - tensors,
    megabytesSinceRound20: Math.round((process.memoryUsage.rss() - memory) / MEGABYTE),
  });
  policy.dispose();
}

function inOwnProcess(...args: string[]): boolean {
  return (
    spawnSync(process.execPath, [...process.execArgv, "--expose-gc", import.meta.filename, ...args], {
      stdio: "inherit",
    }).status === 0
  );
}

const [backend, measurement, detail] = process.argv.slice(2);
if (measurement !== undefined) {
  await selectBackend({ prefer: backend as BackendName });
  if (measurement === "load") await load(detail!);
  else if (measurement === "train") await train(detail === "true");
  else await soak();
  process.exit(0);
}
if (!existsSync("/proc/self/clear_refs")) {
  console.log("Skipped: the peak memory of a process can be measured on Linux only.");
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "v-triune-memory-"));
let ok = true;
try {
  await writeShards(folder);
  const { name } = await selectBackend();
  for (const each of backend ? [backend] : [...new Set(["wasm", name])]) {
    ok = inOwnProcess(each, "load", folder) && ok;
    for (const checkpointing of ["false", "true"]) ok = inOwnProcess(each, "train", checkpointing) && ok;
    ok = inOwnProcess(each, "soak") && ok;
  }
  writeModelConfig(folder, deepConfig());
  const python = process.env["BENCH_PYTHON"];
  if (python === undefined)
    console.log("PyTorch is skipped: BENCH_PYTHON=FILE names a Python with torch and transformers.");
  else
    for (const checkpointing of ["0", "1"])
      spawnSync(
        python,
        [resolve(import.meta.dirname, "../../../tools/peers/pytorch_memory.py"), folder, checkpointing],
        { stdio: "inherit" },
      );
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(ok ? 0 : 1);
