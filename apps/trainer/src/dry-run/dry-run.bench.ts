/**
 * What `train --dry-run` says beside what a run then does: npm run bench -- dry-run
 *
 * For each shape a process makes the dry run, and another one trains three steps, in turn, so that both meet the same
 * load. Weights are random, so that answers have their full length. One JSON line for each round: estimate over run, of
 * the peak of memory, and of seconds of the parts of a step (the run's are the least of its steps, the first one left
 * out). On a busy machine BENCH_THREADS=1 counts processor time of one thread instead of the time of day.
 *
 * BENCH_SHAPES=1M,20M (default all but the ones that take over 5 GB), BENCH_ROUNDS=1, BENCH_STEPS=3.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { writeSamples } from "@v-triune/data-filters";
import { demoModelConfig, heldOutQuestions, toSample, writeDemoModelFolder } from "@v-triune/demo-tasks";
import { runTraining } from "@v-triune/training";
import { type TrainingConfigInput, resolveTrainingConfig } from "@v-triune/training/config";
import { dryRun } from "./dry-run";

interface Shape {
  readonly model: keyof typeof models;
  readonly backend: "tensorflow" | "wasm";
  readonly prompts: number;
  readonly n: number;
  /** Words that prolong each question: a token each. */
  readonly words: number;
  readonly newTokens: number;
  readonly update?: TrainingConfigInput["update"];
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

/** The demonstration's, and language models of these sizes with its tower. */
const models = {
  "1M": { max_position_embeddings: 8192 },
  "20M": { ...shape([320, 12, 1024], [5, 5], 8192), ...wide },
  "135M": { ...shape([576, 30, 1536], [9, 3], 49_152), ...wide },
  "0.5B": { ...shape([896, 24, 4864], [14, 2], 151_936), ...wide },
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
  "1M": { model: "1M", backend: "tensorflow", prompts: 8, n: 8, words: 0, newTokens: 64 },
  "1M-wasm": { model: "1M", backend: "wasm", prompts: 8, n: 8, words: 0, newTokens: 64 },
  "1M-wasm-long": { model: "1M", backend: "wasm", prompts: 2, n: 2, words: 450, newTokens: 512 },
  "20M": { model: "20M", backend: "tensorflow", prompts: 2, n: 4, words: 200, newTokens: 128 },
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
  "135M-lora-bfloat16": { ...oneLargePrompt, adapter: 16, dtype: "bfloat16" },
  "135M-checkpointing": { ...oneLargePrompt, update: { gradientCheckpointing: true } },
  "135M": { ...oneLargePrompt, isLarge: true },
  "0.5B-lora-bfloat16": {
    model: "0.5B",
    backend: "tensorflow",
    prompts: 1,
    n: 4,
    words: 100,
    newTokens: 64,
    adapter: 16,
    dtype: "bfloat16",
    update: { gradientCheckpointing: true },
  },
};

interface Figures {
  /** Most bytes of the process. */
  readonly memory: number;
  readonly generate: number;
  readonly update: number;
  readonly step: number;
}

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

function configOf(folder: string, { model, backend, prompts, n, newTokens, update, adapter, dtype }: Shape) {
  const config = { ...demoModelConfig, ...models[model] };
  return resolveTrainingConfig({
    model: {
      init: "random",
      config: { ...config, vision_config: { ...config.vision_config, out_hidden_size: config.hidden_size } },
      tokenizer: join(folder, "model"),
      ...(adapter !== undefined && { adapter: { rank: adapter } }),
      ...(dtype && { dtype }),
    },
    data: { train: join(folder, "train.parquet") },
    run: { name: "bench", folder: join(folder, "run"), seed: 1, steps },
    rollout: { promptsPerStep: prompts, n, maxNewTokens: newTokens },
    update: { miniBatch: prompts, microBatchTokens: 2048, ...update },
    // Random answers earn nothing: the entropy term makes each of them count.
    algorithm: { entropyCoefficient: 0.001 },
    optimizer: { groups: { vision: { freeze: true } } },
    promptPool: { enabled: false },
    checkpoint: { every: null, keep: null },
    evaluation: { every: null },
    backend,
    workers: backend === "wasm" && threads === "1" ? 1 : "auto",
  });
}

async function estimated(folder: string, shape: Shape): Promise<Figures> {
  const config = configOf(folder, shape);
  await selectBackend({ prefer: shape.backend, ...(threads && { threads: Number(threads) }) });
  const { memory, time, timeNotMeasured } = await dryRun(config, undefined, undefined, { clock });
  if (time === null) throw new Error(`time was not measured: ${timeNotMeasured}`);
  return { memory: memory.total, generate: time.generate, update: time.update, step: time.step };
}

async function trained(folder: string, shape: Shape): Promise<Figures> {
  const config = configOf(folder, shape);
  await selectBackend({ prefer: shape.backend, ...(threads && { threads: Number(threads) }) });
  const found: Omit<Figures, "memory">[] = [];
  let [before, answered] = [clock(), clock()];
  await runTraining(config, {
    listen(event) {
      if (event.type === "warning") console.error(event.message);
      if (event.type === "started") before = clock();
      if (event.type === "generating" && event.done === event.total) answered = clock();
      if (event.type !== "step") return;
      const done = clock();
      found.push({ generate: answered - before, update: done - answered, step: done - before });
      before = done;
    },
  });
  const later = found.slice(1);
  const least = (key: keyof Omit<Figures, "memory">): number => Math.min(...later.map((one) => one[key]));
  return {
    memory: process.resourceUsage().maxRSS * 1024,
    generate: least("generate"),
    update: least("update"),
    step: least("step"),
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
      await writeDemoModelFolder(join(home, "model"));
      await writeQuestions(join(home, "train.parquet"), shape);
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
async function writeQuestions(path: string, { prompts, words }: Shape): Promise<void> {
  const questions = [...heldOutQuestions(Math.ceil((prompts * (steps + 1)) / 4))];
  const samples = await Promise.all(
    questions.map(({ source, question }, i) => toSample(source, `question-${i}`, question)),
  );
  const more = Array.from({ length: words }, (_, i) => ["the", "is", "of"][i % 3]).join(" ");
  await writeSamples(
    path,
    samples.map((sample) => ({
      ...sample,
      prompt: sample.prompt.map((message) => ({ ...message, content: `${message.content} ${more}` })),
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
  const over = (what: keyof Figures): number => Number((said[what] / found[what]).toFixed(2));
  const pair = (what: keyof Figures, unit: number): string =>
    `${(said[what] / unit).toPrecision(3)} / ${(found[what] / unit).toPrecision(3)}`;
  console.log(
    JSON.stringify({
      shape: key,
      load: Number(loadavg()[0]!.toFixed(1)),
      ratio: { memory: over("memory"), generate: over("generate"), update: over("update"), step: over("step") },
      saidOverFound: {
        gigabytes: pair("memory", 1e9),
        generate: pair("generate", 1),
        update: pair("update", 1),
        step: pair("step", 1),
      },
    }),
  );
}
