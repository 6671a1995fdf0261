/** For the bench of the dry run: runs of several shapes, with checkpoints of random weights, and questions. */
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { demoModelConfig, heldOutQuestions, toSample, writeDemoModelFolder } from "@v-triune/demo-tasks";
import { familyOf, parameterShapes, publishedModels, readModelConfig, writeSafetensors } from "@v-triune/policy";
import type { TrainingConfigInput } from "@v-triune/training/config";

export interface Shape {
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
  readonly trainsTower?: boolean;
  /** Threads that compute, on wasm. Default: one. */
  readonly workers?: number;
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
  "20M-seeing": { ...shape([320, 12, 1024], [5, 5], 8192), ...wide, vision_config: tower },
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

export const shapes: Record<string, Shape> = {
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
  "1M-tower": { model: "1M", backend: "tensorflow", prompts: 8, n: 8, words: 0, newTokens: 64, trainsTower: true },
  "1M-wasm-threads": { model: "1M", backend: "wasm", prompts: 8, n: 8, words: 0, newTokens: 64, workers: 2 },
  "20M-tower": {
    model: "20M-seeing",
    backend: "tensorflow",
    prompts: 2,
    n: 4,
    words: 20,
    newTokens: 64,
    picture: 336,
    trainsTower: true,
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

/** Those of the table of a quiet machine, the quick ones first. */
export const quietShapes = [
  "1M",
  "1M-tower",
  "1M-wasm-threads",
  "20M",
  "20M-tower",
  "135M-lora",
  "0.5B-lora-bfloat16",
  "3B-lora-bfloat16",
];

/** Different numbers of a checkpoint: prime, so that rows of no width repeat. */
const NOISE = 1_048_573;

/** Writes what a run of the shape reads into `home`: its model, its questions. */
export async function writeShape(home: string, shape: Shape, questions: number): Promise<void> {
  const { picture = 84, evaluated = 0 } = shape;
  const pixels = { least: Math.max(56, picture) ** 2, most: Math.max(168, picture) ** 2 };
  await writeDemoModelFolder(join(home, "model"), { pixels });
  await writeQuestions(join(home, "train.parquet"), shape, questions);
  if (evaluated > 0) await writeQuestions(join(home, "eval.parquet"), shape, evaluated);
  await writeCheckpoint(home, shape);
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
