/** `v-triune init`: a commented configuration to begin with, fitted to the machine's memory. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { openSampleSet } from "@v-triune/data-filters";
import { readModelConfig } from "@v-triune/policy";
import { estimateMemory, fitsMemory } from "@v-triune/training";
import { type PresetName, resolveTrainingConfig } from "@v-triune/training/config";
import { RunFolderError, writeFileAtomic } from "@v-triune/training/run-folder";
import { stringify } from "yaml";
import { formatMemory } from "../dry-run/format-memory";
import { splitCorpus, testFilesWarning } from "./train-and-test";

export interface InitRunOptions {
  /** The folder to make; its name is the run's. */
  readonly folder: string;
  /** A model folder in Hugging Face layout. */
  readonly model: string;
  /** Parquet files, a folder of them, or a glob. */
  readonly data: string;
  readonly preset: PresetName;
  /** Bytes of memory to fit into. */
  readonly memory: number;
}

/** What was written, and what was found out on the way. */
export interface InitializedRun {
  readonly file: string;
  readonly samples: number;
  readonly sources: readonly string[];
  /** Samples that are evaluated and not trained on. */
  readonly testSamples: number;
  /** What is probably not meant, such as training on test files; or null. */
  readonly warning: string | null;
  /** The estimate for the configuration that was written, as lines. */
  readonly memory: string;
}

/**
 * @throws ConfigError, DatasetError when model or data can't be used
 * @throws RunFolderError when there is a configuration already
 */
export async function initRun({ folder, model, data, preset, memory }: InitRunOptions): Promise<InitializedRun> {
  const file = join(resolve(folder), "v-triune.yaml");
  if (existsSync(file))
    throw new RunFolderError({
      what: "There is a configuration already, which stays as it is.",
      where: file,
      fix: "choose another folder",
    });
  const architecture = readModelConfig(resolve(model));
  const split = splitCorpus(resolve(data));
  const set = await openSampleSet(split.train);
  const sources = [...new Set(Array.from({ length: set.length }, (_, row) => set.sourceOf(row)))].sort();
  const samples = set.length;
  set.close();
  const testSamples = split.eval === null ? 0 : await countSamples(split.eval);
  const prompts = Math.min(32, 2 ** Math.floor(Math.log2(Math.max(1, samples))));
  const defaults = resolveTrainingConfig({ preset, model, data: { train: data } });
  // Half of a short context is left to prompts.
  const { maxPositionEmbeddings } = architecture.text;
  const maxNewTokens = Math.min(defaults.rollout.maxNewTokens, Math.floor(maxPositionEmbeddings / 2));
  const newTokens =
    maxNewTokens === defaults.rollout.maxNewTokens
      ? String(maxNewTokens)
      : `${maxNewTokens}              # the model takes ${maxPositionEmbeddings} tokens, prompt and pictures included`;
  const updates = defaults.rollout.promptsPerStep / defaults.update.miniBatch;
  const miniBatch = Math.max(1, Math.floor(prompts / updates));
  const configWith = (adapter: boolean, microBatchTokens: number) =>
    resolveTrainingConfig({
      preset,
      model: adapter ? { path: model, adapter: {} } : model,
      data: { train: data },
      rollout: { promptsPerStep: prompts, maxNewTokens },
      update: { miniBatch, microBatchTokens },
    });
  // Full training first, then smaller micro-batches, then an adapter.
  const choices = [16_384, 4096]
    .flatMap((tokens) => [{ adapter: false, tokens }])
    .concat([16_384, 4096, 2048].map((tokens) => ({ adapter: true, tokens })));
  const estimateOf = ({ adapter, tokens }: { adapter: boolean; tokens: number }) =>
    estimateMemory(configWith(adapter, tokens), architecture, { available: memory });
  const chosen = choices.find((choice) => fitsMemory(estimateOf(choice), memory)) ?? { adapter: true, tokens: 2048 };
  await mkdir(resolve(folder), { recursive: true });
  const near = (path: string): string => relative(resolve(folder), resolve(path)) || ".";
  const here = (path: string | readonly string[]): string =>
    stringify(typeof path === "string" ? near(path) : path.map(near), {
      collectionStyle: "flow",
      lineWidth: 0,
    }).trimEnd();
  const sourceCount = `${sources.length} ${sources.length === 1 ? "source" : "sources"}`;
  const adapterLines = chosen.adapter
    ? [
        "  # The whole model would not fit in this machine's memory while it is trained; a low-rank adapter does.",
        "  adapter: {rank: 16}",
      ]
    : ["  # adapter: {rank: 16}          # LoRA: less memory, smaller checkpoints; dtype: bfloat16 halves the rest"];
  const learningRate = chosen.adapter
    ? "1.0e-5                    # an adapter takes more than the whole model's 1e-6"
    : defaults.optimizer.lr.toExponential(1);
  const title = `${basename(resolve(folder))}: ${samples} samples of ${sourceCount}`;
  const text = `# ${title}. All keys with their defaults: docs/configuration.md
#
#   npx v-triune train ${folder} --dry-run   # the first prompts, and the memory it takes
#   npx v-triune train ${folder}

preset: ${preset}

model:
  path: ${here(model)}
${adapterLines.join("\n")}

data:
  train: ${here(split.train)}
  ${split.eval === null ? "# eval: ./held-out/*.parquet" : `eval: ${here(split.eval)}`}   # scored every evaluation.every steps

run:
  name: ${stringify(basename(resolve(folder))).trimEnd()}
  seed: ${defaults.run.seed}
  steps: ${defaults.run.steps}

rollout:
  promptsPerStep: ${prompts}             # the paper: 1024
  n: ${defaults.rollout.n}                          # answers per prompt
  maxNewTokens: ${newTokens}

update:
  miniBatch: ${miniBatch}                  # as promptsPerStep: one update a step; a divisor: several
  microBatchTokens: ${chosen.tokens}       # memory, not the result, depends on it

optimizer:
  lr: ${learningRate}

checkpoint: {every: ${defaults.checkpoint.every}, keep: ${defaults.checkpoint.keep}}
`;
  await writeFileAtomic(file, text);
  const warning = testFilesWarning([split.train].flat());
  return { file, samples, sources, testSamples, warning, memory: formatMemory(estimateOf(chosen), memory) };
}

async function countSamples(paths: string | readonly string[]): Promise<number> {
  const set = await openSampleSet(paths);
  set.close();
  return set.length;
}
