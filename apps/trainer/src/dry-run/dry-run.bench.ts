/**
 * What `train --dry-run` says beside what a run then does: npm run bench -- dry-run
 *
 * For each shape a process makes the dry run, and another one trains three steps, in turn, so that both meet the same
 * load. Weights are random and lie in a checkpoint, as a run's do. One JSON line for each round: estimate over run, of
 * every phase of a step (the run's are the least of its steps, the first one left out), of the memory when the model is
 * loaded, after the first answers and at its peak, and of the tokens
 * that were generated.
 * On a busy machine BENCH_THREADS=1 counts processor time of one thread instead of the time of day.
 *
 * BENCH_SHAPES=1M,20M (default all but the ones that take over 5 GB), BENCH_ROUNDS=1, BENCH_STEPS=3.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { writeSamples } from "@v-triune/data-filters";
import { demoModelConfig, heldOutQuestions, toSample, writeDemoModelFolder } from "@v-triune/demo-tasks";
import { familyOf, parameterShapes, publishedModels, readModelConfig, writeSafetensors } from "@v-triune/policy";
import { runTraining } from "@v-triune/training";
import { type TrainingConfigInput, resolveTrainingConfig } from "@v-triune/training/config";
import { dryRun } from "./dry-run";
import { type Phase, phases, watchPhases } from "../testing/watch-phases";

interface Shape {
  readonly model: string;
  readonly backend: "tensorflow" | "wasm";
  readonly prompts: number;
  readonly n: number;
  /** Words that prolong each question: a token each. */
  readonly words: number;
  readonly newTokens: number;
  /** Side of each picture in pixels; 0: none. Default 84, the demonstration's. */
  readonly picture?: number;
  /** Questions of an evaluation. Default none. */
  readonly evaluated?: number;
  readonly update?: TrainingConfigInput["update"];
  readonly kl?: number;
  readonly adapter?: number;
  readonly dtype?: "bfloat16";
  /** Over 5 GB: only when it is named. */
  readonly isLarge?: boolean;
}

const shape = (
  [hidden, layers, middle]: readonly [number, number, number],
  [heads, keyValueHeads]: readonly [number, number],
  vocabulary: number,
) => ({
  hidden_size: hidden,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: keyValueHeads,
  intermediate_size: middle,
  vocab_size: vocabulary,
});
const wide = { rope_scaling: { type: "mrope", mrope_section: [8, 12, 12] }, max_position_embeddings: 8192 };

const tower = {
  depth: 12,
  hidden_size: 384,
  intermediate_size: 1024,
  num_heads: 6,
  window_size: 112,
  fullatt_block_indexes: [3, 7, 11],
};

/** The demonstration's, language models of these sizes with its tower or a larger one, and a published shape. */
const models: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "1M": { max_position_embeddings: 8192 },
  "20M": { ...shape([320, 12, 1024], [5, 5], 8192), ...wide },
  "135M": { ...shape([576, 30, 1536], [9, 3], 49_152), ...wide },
  "135M-seeing": { ...shape([576, 30, 1536], [9, 3], 49_152), ...wide, vision_config: tower },
  "0.5B": { ...shape([896, 24, 4864], [14, 2], 151_936), ...wide },
  "3B": publishedModels.find(({ name }) => name === "Qwen2.5-VL-3B")!.config,
};

const oneLargePrompt: Shape = {
  model: "135M",
  backend: "tensorflow",
  prompts: 1,
  n: 4,
  words: 150,
  newTokens: 64,
};

const shapes: Record<string, Shape> = {
  "1M": { model: "1M", backend: "tensorflow", prompts: 8, n: 8, words: 0, newTokens: 64, evaluated: 32 },
  "1M-text": { model: "1M", backend: "tensorflow", prompts: 8, n: 8, words: 0, newTokens: 64, picture: 0 },
  "1M-wasm": { model: "1M", backend: "wasm", prompts: 8, n: 8, words: 0, newTokens: 64, evaluated: 32 },
  "1M-wasm-long": { model: "1M", backend: "wasm", prompts: 2, n: 2, words: 450, newTokens: 512 },
  "20M": { model: "20M", backend: "tensorflow", prompts: 2, n: 4, words: 200, newTokens: 128, evaluated: 8 },
  "20M-text": { model: "20M", backend: "tensorflow", prompts: 2, n: 4, words: 200, newTokens: 128, picture: 0 },
  "20M-kl": { model: "20M", backend: "tensorflow", prompts: 2, n: 4, words: 200, newTokens: 128, kl: 0.01 },
  "20M-wasm": { model: "20M", backend: "wasm", prompts: 2, n: 4, words: 100, newTokens: 64 },
  "20M-two-updates": {
    model: "20M",
    backend: "tensorflow",
    prompts: 4,
    n: 4,
    words: 50,
    newTokens: 64,
    update: { miniBatch: 2 },
  },
  "135M-lora": { ...oneLargePrompt, adapter: 16 },
  "135M-lora-text": { ...oneLargePrompt, adapter: 16, picture: 0 },
  "135M-lora-pictures": { ...oneLargePrompt, model: "135M-seeing", adapter: 16, words: 20, picture: 448 },
  "135M-lora-bfloat16": { ...oneLargePrompt, adapter: 16, dtype: "bfloat16" },
  "135M-checkpointing": { ...oneLargePrompt, update: { gradientCheckpointing: true } },
  "135M": { ...oneLargePrompt, isLarge: true },
  "0.5B-lora-bfloat16": {
    ...oneLargePrompt,
    model: "0.5B",
    words: 100,
    adapter: 16,
    dtype: "bfloat16",
    update: { gradientCheckpointing: true },
  },
  "3B-lora-bfloat16": {
    ...oneLargePrompt,
    model: "3B",
    n: 2,
    words: 60,
    newTokens: 24,
    picture: 224,
    adapter: 16,
    dtype: "bfloat16",
    update: { gradientCheckpointing: true },
    isLarge: true,
  },
};

type Part = Phase | "generate" | "update" | "step" | "evaluation";
const parts: readonly Part[] = [...phases, "generate", "update", "step", "evaluation"];
const moments = ["loaded", "answered", "peak"] as const;

interface Figures {
  /** Bytes of the process. */
  readonly memory: Readonly<Record<(typeof moments)[number], number>>;
  /** Of a step, save the evaluation. */
  readonly seconds: Readonly<Record<Part, number>>;
  /** That a step generates: fewer where answers end early. */
  readonly tokens: number;
}

/** Different numbers of a checkpoint: prime, so that rows of no width repeat. */
const NOISE = 1_048_573;

const threads = process.env.BENCH_THREADS;
const steps = Number(process.env.BENCH_STEPS ?? 3);
const [mode, folder, name] = process.argv.slice(2);
if (mode === "estimate") console.log(JSON.stringify(await estimated(folder!, shapes[name!]!)));
else if (mode === "run") console.log(JSON.stringify(await trained(folder!, shapes[name!]!)));
else await compareAll();

/** Seconds: of the day, or of the processor where it is one thread's. */
function clock(): number {
  if (threads !== "1") return performance.now() / 1000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function configOf(folder: string, shape: Shape) {
  const { backend, prompts, n, newTokens, evaluated = 0, update, kl, adapter, dtype } = shape;
  return resolveTrainingConfig({
    model: {
      path: join(folder, "checkpoint"),
      ...(adapter !== undefined && { adapter: { rank: adapter } }),
      ...(dtype && { dtype }),
    },
    data: {
      train: join(folder, "train.parquet"),
      ...(evaluated > 0 && { eval: join(folder, "eval.parquet") }),
    },
    run: { name: "bench", folder: join(folder, "run"), seed: 1, steps },
    rollout: { promptsPerStep: prompts, n, maxNewTokens: newTokens },
    update: { miniBatch: prompts, microBatchTokens: 2048, ...update },
    // Random answers earn nothing: the entropy term makes each of them count.
    algorithm: { entropyCoefficient: 0.001, ...(kl !== undefined && { kl: { coefficient: kl } }) },
    optimizer: { groups: { vision: { freeze: true } } },
    promptPool: { enabled: false },
    checkpoint: { every: null, keep: null },
    evaluation: { every: null, maxNewTokens: newTokens, samplesPerSource: Math.max(1, evaluated / 4) },
    backend,
    // The thread that prepares prompts would count as well.
    workers: threads === "1" ? 1 : "auto",
  });
}

/**
 * A checkpoint of the shape as it would be published, in bfloat16 where the run keeps it so. No token ends an answer.
 */
async function writeCheckpoint(folder: string, { model, dtype }: Shape): Promise<void> {
  const checkpoint = join(folder, "checkpoint");
  cpSync(join(folder, "model"), checkpoint, { recursive: true });
  rmSync(join(checkpoint, "generation_config.json"));
  const { vision_config: vision, ...text } = models[model] as { vision_config?: object; hidden_size?: number };
  const special = ["image", "video", "vision_start", "vision_end"].map(
    (name) => `${name}_token_id` as keyof typeof demoModelConfig,
  );
  const { hidden_size: hidden } = { ...demoModelConfig, ...text };
  const config = {
    ...demoModelConfig,
    ...text,
    ...Object.fromEntries(special.map((key) => [key, demoModelConfig[key]])),
    eos_token_id: undefined,
    vision_config: { ...demoModelConfig.vision_config, ...vision, out_hidden_size: hidden },
  };
  writeFileSync(join(checkpoint, "config.json"), JSON.stringify(config));
  const architecture = readModelConfig(checkpoint);
  const { storedName } = familyOf(architecture);
  const noise = Float32Array.from({ length: NOISE }, (_, i) => uniform(i));
  await writeSafetensors(
    join(checkpoint, "model.safetensors"),
    parameterShapes(architecture).map(({ name, shape: lengths }, index) => ({
      name: storedName(name),
      shape: lengths,
      dtype: dtype === undefined ? ("F32" as const) : ("BF16" as const),
      data: () => noiseOf(lengths, index, noise),
    })),
  );
}

/** Between -1 and 1, as good as any noise. */
function uniform(i: number): number {
  return ((Math.imul(i + 1, 2_654_435_761) >>> 8) / 2 ** 23 - 1) * 1.7;
}

/** Of the deviation with which layers begin; norms are 1. */
function noiseOf(lengths: readonly number[], index: number, noise: Float32Array): Float32Array {
  const values = new Float32Array(lengths.reduce((product, length) => product * length, 1));
  if (lengths.length === 1) return values.fill(1);
  for (let at = 0, from = (index * 7919) % NOISE; at < values.length; from = 0) {
    const piece = noise.subarray(from, Math.min(NOISE, from + values.length - at));
    values.set(piece, at);
    at += piece.length;
  }
  return values.map((value) => 0.02 * value);
}

async function estimated(folder: string, shape: Shape): Promise<Figures> {
  const config = configOf(folder, shape);
  await selectBackend({ prefer: shape.backend, ...(threads && { threads: Number(threads) }) });
  const { memory, time, timeNotMeasured } = await dryRun(config, undefined, undefined, { clock });
  if (time === null || !("weights" in memory)) throw new Error(`time was not measured: ${timeNotMeasured}`);
  const { process: base, weights, reference, decoding, total } = memory;
  const loaded = base + weights + reference;
  const { work, ...seconds } = time;
  return {
    memory: { loaded, answered: loaded + decoding, peak: total },
    seconds: { ...seconds, rest: 0 },
    tokens: work.answers * shape.newTokens,
  };
}

async function trained(folder: string, shape: Shape): Promise<Figures> {
  const config = configOf(folder, shape);
  await selectBackend({ prefer: shape.backend, ...(threads && { threads: Number(threads) }) });
  const watch = watchPhases(clock);
  const found: Record<Exclude<Part, "evaluation">, number>[] = [];
  const peak = (): number => process.resourceUsage().maxRSS * 1024;
  const memory = { loaded: 0, answered: 0, peak: 0 };
  let [before, evaluation, tokens] = [clock(), 0, 0];
  await runTraining(config, {
    listen(event) {
      if (event.type === "warning") console.error(event.message);
      if (event.type === "started") memory.loaded = peak();
      if (event.type === "generating") memory.answered ||= peak();
      if (event.type === "evaluated") evaluation = clock() - before;
      if (event.type === "step") {
        const step = clock() - before;
        const own = watch.take();
        const generate = own.prompts + own.answers;
        const update = own.logProbs + own.gradients + own.optimizer;
        found.push({ ...own, rest: step - generate - update, generate, update, step });
        tokens = Math.max(tokens, event.summary.tokens.generated);
      }
      if (event.type === "step" || event.type === "started" || event.type === "evaluated") {
        watch.take();
        before = clock();
      }
    },
  });
  const later = found.slice(1);
  const least = parts.map((part) => [
    part,
    part === "evaluation" ? evaluation : Math.min(...later.map((one) => one[part])),
  ]);
  return {
    memory: { ...memory, peak: peak() },
    seconds: Object.fromEntries(least) as Figures["seconds"],
    tokens,
  };
}

async function compareAll(): Promise<void> {
  const named = process.env.BENCH_SHAPES?.split(",");
  const chosen = named ?? Object.keys(shapes).filter((key) => !shapes[key]!.isLarge);
  if (!named)
    console.log(
      `left out, name them in BENCH_SHAPES: ${Object.keys(shapes)
        .filter((key) => shapes[key]!.isLarge)
        .join(", ")}`,
    );
  for (const key of chosen) {
    const shape = shapes[key];
    if (!shape) throw new Error(`BENCH_SHAPES names ${key}; there are ${Object.keys(shapes).join(", ")}`);
    const home = mkdtempSync(join(tmpdir(), "v-triune-dry-run-"));
    try {
      const { picture = 84, prompts, evaluated = 0 } = shape;
      const pixels = { least: Math.max(56, picture) ** 2, most: Math.max(168, picture) ** 2 };
      await writeDemoModelFolder(join(home, "model"), { pixels });
      await writeQuestions(join(home, "train.parquet"), shape, prompts * (steps + 1));
      if (evaluated > 0) await writeQuestions(join(home, "eval.parquet"), shape, evaluated);
      await writeCheckpoint(home, shape);
      for (let round = 0; round < Number(process.env.BENCH_ROUNDS ?? 1); round++) {
        const said = inOwnProcess("estimate", home, key);
        const found = inOwnProcess("run", home, key);
        rmSync(join(home, "run"), { recursive: true, force: true });
        if (said && found) report(key, said, found);
      }
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  }
}

/** Questions of the demonstration, with as many words behind them as the shape says. */
async function writeQuestions(path: string, { words, picture }: Shape, count: number): Promise<void> {
  const questions = [...heldOutQuestions(Math.ceil(count / 4))];
  const samples = await Promise.all(
    questions.map(({ source, question }, i) => toSample(source, `question-${i}`, question)),
  );
  const more = Array.from({ length: words }, (_, i) => ["the", "is", "of"][i % 3]).join(" ");
  const shown = (content: string): string => (picture === 0 ? content.replace("<image>", "") : content);
  await writeSamples(
    path,
    samples.map((sample) => ({
      ...sample,
      ...(picture === 0 && { images: [] }),
      prompt: sample.prompt.map((message) => ({ ...message, content: `${shown(message.content)} ${more}` })),
    })),
  );
}

function inOwnProcess(mode: string, folder: string, key: string): Figures | undefined {
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    [...process.execArgv, process.argv[1]!, mode, folder, key],
    { encoding: "utf8" },
  );
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
  console.error(`${key}: ${mode} failed (${signal ?? `exit code ${status}`})\n${stderr.trim().slice(-2000)}`);
  process.exitCode = 1;
  return undefined;
}

function report(key: string, said: Figures, found: Figures): void {
  const over = (one: number, other: number): number | undefined =>
    one > 0 && other > 0 ? Number((one / other).toFixed(2)) : undefined;
  const pair = (one: number, other: number): string | undefined =>
    one > 0 || other > 0 ? `${one.toPrecision(3)} / ${other.toPrecision(3)}` : undefined;
  const each = <Key extends string, Value>(keys: readonly Key[], value: (key: Key) => Value) =>
    Object.fromEntries(keys.map((one) => [one, value(one)]));
  console.log(
    JSON.stringify({
      shape: key,
      load: Number(loadavg()[0]!.toFixed(1)),
      ratio: each(parts, (part) => over(said.seconds[part], found.seconds[part])),
      seconds: each(parts, (part) => pair(said.seconds[part], found.seconds[part])),
      memory: each(moments, (at) => over(said.memory[at], found.memory[at])),
      gigabytes: each(moments, (at) => pair(said.memory[at] / 1e9, found.memory[at] / 1e9)),
      tokens: over(said.tokens, found.tokens),
    }),
  );
}
