/**
 * `v-triune export verl`: the same run on a Ray cluster with verl (0.9.1): a folder with the data, the reward function,
 * a launch script and a page that says what to do.
 *
 *     job/
 *       data/train.parquet, data/eval.parquet     verl's RLHFDataset: prompts with <image>, pictures as bytes
 *       reward.py, v_triune_reward.py             asks the reward server
 *       launch.sh, README.md
 *
 * verl hands its reward function neither the row nor the picture, so `extra_info` carries the sample's reward_model and
 * the size at which the model sees its pictures.
 */
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { openSampleSet, writeSamples } from "@v-triune/data-filters";
import { ConfigError } from "@v-triune/errors";
import { exactPath } from "@v-triune/node-kit/exact-path";
import { createProcessor } from "@v-triune/policy";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { createRandom, isSampleError, loadPromptPool, seenSizes, withPoolSentences } from "@v-triune/rollouts";
import { DatasetError, type Sample } from "@v-triune/schema";
import { configuredPromptMaker } from "@v-triune/training";
import { type DataSetConfig, type TrainingConfig, loadTrainingConfig } from "@v-triune/training/config";
import { readRunDescription, writeFolderAtomic } from "@v-triune/training/run-folder";
import { createVerifierRegistry } from "@v-triune/verifiers";
import { configModules } from "../config-modules";
import { type VerlJob, verlJob } from "./verl-overrides";

export interface ExportVerlOptions {
  /** A run's folder, or a configuration. */
  readonly from: string;
  readonly overrides?: readonly string[];
  /** The folder to make; it must not exist yet. */
  readonly out: string;
  readonly onBadRow?: (message: string) => void;
}

/** What was written. */
export interface ExportedVerlJob extends VerlJob {
  readonly folder: string;
  readonly rows: { readonly train: number; readonly eval: number };
  readonly leftOut: number;
}

/** Streams of the run's seed: which rows a cap keeps, and the prompt pool's sentences, one a row. */
const capStream = 40_000_000;
const poolStream = 41_000_000;
/** Rows prepared at a time. */
const batchSize = 64;

/**
 * @throws ConfigError for a configuration that verl can't run (random weights)
 * @throws DatasetError when the data can't be read
 * @throws WriteError when the folder exists already or can't be written
 */
export async function exportVerl({
  from,
  overrides = [],
  out,
  onBadRow = () => {},
}: ExportVerlOptions): Promise<ExportedVerlJob> {
  const config = await configOf(from, overrides);
  if (config.model.init === "random") {
    throw new ConfigError({
      what: "verl loads a model from a folder; this configuration has random weights.",
      where: "model",
      expected: "model: ./a-model-in-Hugging-Face-layout",
      fix: "train here for a step and export the checkpoint (v-triune export hf), or name a model",
    });
  }
  if (config.reward.iou.schedule === "adaptive" || config.reward.iou.bySource) {
    throw new ConfigError({
      what: "verl's reward function has one IoU threshold per stage of the run.",
      where: "reward.iou",
      expected: "stages for all sources",
      found: config.reward.iou.schedule === "adaptive" ? "schedule: adaptive" : "bySource",
      fix: "give stages, such as --set 'reward.iou={schedule: [{until: 1, epsilon: 0.5}]}'",
    });
  }
  if (config.algorithm.distillation) {
    throw new ConfigError({
      what: "A distillation cannot be exported: verl serves its teacher by itself.",
      where: "algorithm.distillation",
      expected: "null",
      found: JSON.stringify(config.algorithm.distillation.teacher),
      fix: "leave it out with --set algorithm.distillation=null, and set verl's own (distillation.*)",
    });
  }
  const model = config.model.path;
  const folder = resolve(out);
  let leftOut = 0;
  const skipped = (message: string): void => {
    leftOut += 1;
    onBadRow(message);
  };
  let written: Pick<ExportedVerlJob, "rows" | "overrides" | "stages" | "notes"> | undefined;
  await writeFolderAtomic(folder, async (temporary) => {
    await mkdir(join(temporary, "data"));
    const train = await writeData(join(temporary, "data/train.parquet"), {
      sets: config.data.train,
      perSource: null,
      config,
      model,
      skipped,
    });
    const evaluation =
      config.data.eval.length === 0
        ? { rows: 0, longestPrompt: 0 }
        : await writeData(join(temporary, "data/eval.parquet"), {
            sets: config.data.eval,
            perSource: config.evaluation.samplesPerSource,
            config,
            model,
            skipped,
          });
    const job = verlJob(config, {
      rows: train.rows,
      longestPrompt: Math.max(train.longestPrompt, evaluation.longestPrompt),
      model: `"\${MODEL:-${model}}"`,
      hasEvaluation: evaluation.rows > 0,
    });
    await writeFile(join(temporary, "v_triune_reward.py"), pythonClient());
    await writeFile(join(temporary, "reward.py"), rewardShim(config));
    await writeFile(join(temporary, "launch.sh"), launchScript(job));
    await chmod(join(temporary, "launch.sh"), 0o755);
    await writeFile(join(temporary, "README.md"), readme(config, job, train.rows, evaluation.rows));
    written = { rows: { train: train.rows, eval: evaluation.rows }, ...job };
  });
  return { folder, leftOut, ...written! };
}

async function configOf(from: string, overrides: readonly string[]): Promise<TrainingConfig> {
  const isRun = existsSync(join(from, "run.json"));
  if (!isRun) return loadTrainingConfig(from, overrides, process.cwd(), configModules);
  if (overrides.length > 0)
    throw new ConfigError({
      what: "A run is exported as it is.",
      where: from,
      found: overrides.join(", "),
      fix: "leave --set out, or export the configuration",
    });
  return (await readRunDescription(from)).config;
}

/** The rows of the sets: caps drawn by the seed, a weight as that many copies, at most `perSource` of a source. */
async function* rowsOf(
  sets: readonly DataSetConfig[],
  perSource: number | null,
  config: TrainingConfig,
  skipped: (message: string) => void,
): AsyncGenerator<Sample> {
  const least = Math.min(...sets.map(({ weight }) => weight));
  const verifiers = createVerifierRegistry(builtinVerifiers()).names;
  for (const [number, { path, weight, cap }] of sets.entries()) {
    const set = await openSampleSet(path, { verifiers });
    try {
      const random = createRandom(config.run.seed, capStream + number);
      let indexes = [...Array(set.length).keys()];
      if (perSource !== null) {
        const bySource = new Map<string, number[]>();
        for (const index of indexes)
          bySource.set(set.sourceOf(index), [...(bySource.get(set.sourceOf(index)) ?? []), index]);
        indexes = [...bySource.values()].flatMap((all) => random.sample(all, perSource));
      }
      if (cap !== null) indexes = random.sample(indexes, cap);
      indexes.sort((a, b) => a - b);
      for (let copy = 0; copy < Math.round(weight / least); copy += 1) {
        for (let at = 0; at < indexes.length; at += batchSize) {
          for (const row of await set.read(indexes.slice(at, at + batchSize))) {
            if (!(row instanceof DatasetError)) yield row;
            else if (config.strict) throw row;
            else skipped(row.message);
          }
        }
      }
    } finally {
      set.close();
    }
  }
}

interface WrittenData {
  readonly sets: readonly DataSetConfig[];
  /** Most samples of a source; null: all. */
  readonly perSource: number | null;
  readonly config: TrainingConfig;
  readonly model: string;
  /** Called for each row that is left out. */
  readonly skipped: (message: string) => void;
}

async function writeData(
  path: string,
  { sets, perSource, config, model, skipped }: WrittenData,
): Promise<{ rows: number; longestPrompt: number }> {
  const processor = createProcessor(model);
  const makePrompt = await configuredPromptMaker({ ...config, promptPool: { enabled: false, file: null } }, processor);
  const pool = config.promptPool.enabled ? await loadPromptPool(config.promptPool.file) : null;
  const { patchSize } = processor.imageProcessor.settings;
  const sizes: number[][][] = [];
  let longestPrompt = 0;

  async function* prepared(): AsyncGenerator<Sample> {
    let position = 0;
    for await (const row of rowsOf(sets, perSource, config, skipped)) {
      if (row.reward_model.verifier_parm.iou_schedule) throw ownSchedule(row, sets);
      const random = createRandom(config.run.seed, poolStream + position++);
      const { accuracyRatio, formatRatio } = config.reward;
      // For tools and teachers of this trainer.
      const { look_at: _, tool_reward: __, ...verifierParm } = row.reward_model.verifier_parm;
      const sample: Sample = {
        ...row,
        prompt: withPoolSentences(row, pool, random),
        images: row.images.map(({ bytes, path: from }) => ({
          bytes: bytes ?? new Uint8Array(readFileSync(from!)),
          path: from,
        })),
        reward_model: {
          ...row.reward_model,
          verifier_parm: verifierParm,
          accuracy_ratio: accuracyRatio ?? row.reward_model.accuracy_ratio,
          format_ratio: formatRatio ?? row.reward_model.format_ratio,
        },
      };
      try {
        const prompt = await makePrompt(sample, `${row.data_source}/${row.extra_info.id ?? position}`, random);
        longestPrompt = Math.max(longestPrompt, prompt.promptIds.length);
        sizes.push(seenSizes(prompt, patchSize));
      } catch (error) {
        if (config.strict || !isSampleError(error)) throw error;
        skipped(error.message);
        continue;
      }
      yield sample;
    }
  }

  const staged = `${path}.staged`;
  await writeSamples(staged, prepared(), {
    verifiers: createVerifierRegistry(builtinVerifiers()).names,
    tags: true,
    answerParameters: true,
  });
  await inVerlsLayout(staged, path, sizes);
  await rm(staged);
  if (sizes.length === 0)
    throw new DatasetError({
      code: "bad-value",
      file: sets.map((set) => set.path).join(", "),
      expected: "at least one sample that can be used",
      found: "every row was left out",
      fix: "fix what the messages name",
    });
  return { rows: sizes.length, longestPrompt };
}

/** launch.sh changes the threshold of all samples at once. */
function ownSchedule(sample: Sample, sets: readonly DataSetConfig[]): DatasetError {
  return new DatasetError({
    code: "bad-value",
    file: sets.map((set) => set.path).join(", "),
    field: "reward_model.verifier_parm.iou_schedule",
    expected: "none: verl has one IoU threshold at a time, that of the run (reward.iou)",
    found: `a schedule of its own, in ${sample.data_source}/${sample.extra_info.id ?? "a sample without an id"}`,
    fix: "remove the samples' own schedules, or train here",
  });
}

/** What `datasets` reads the picture column as; without it pictures are structs of bytes. */
const footer = JSON.stringify({ info: { features: { images: { _type: "List", feature: { _type: "Image" } } } } });

/**
 * The Orsta layout with what verl's RLHFDataset and reward managers look for: extra_info.index, and the reward's
 * definition in extra_info.
 */
async function inVerlsLayout(
  from: string,
  to: string,
  sizes: readonly (readonly (readonly number[])[])[],
): Promise<void> {
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const side = `${from}.sizes.json`;
  try {
    await writeFile(side, sizes.map((grid, row) => JSON.stringify({ row, grid })).join("\n"));
    const split = to.endsWith("train.parquet") ? "train" : "eval";
    const reward = await rewardModelSql(connection, quoted(exactPath(from)));
    await connection.run(`
      copy (
        select data_source,
          list_transform(prompt, lambda p: {'role': p.role, 'content': p.content}) as prompt,
          images,
          ability,
          struct_insert(${reward}, style := 'rule') as reward_model,
          {
            'index': file_row_number::bigint,
            'split': '${split}',
            'id': extra_info.id,
            'image_path': extra_info.image_path,
            'image_grid_thw': s.grid,
            'reward_model': ${reward}
          } as extra_info
        from read_parquet(${quoted(exactPath(from))}, file_row_number = true, hive_partitioning = false) r
        join read_json(
          ${quoted(exactPath(side))},
          format = 'newline_delimited',
          columns = {row: 'BIGINT', grid: 'BIGINT[][]'},
          hive_partitioning = false
        ) s on s.row = r.file_row_number
        order by file_row_number
      ) to ${quoted(to)} (format parquet, row_group_size 512, kv_metadata {huggingface: ${quoted(footer)}})`);
  } finally {
    connection.closeSync();
    await rm(side, { force: true });
  }
}

/** The definition of the reward, without the parameters of `answer` where no sample has them: Orsta's layout. */
async function rewardModelSql(connection: DuckDBConnection, file: string): Promise<string> {
  const parm = "reward_model.verifier_parm";
  const reader = await connection.runAndReadAll(
    `select count(${parm}.type) + count(${parm}.choices) from read_parquet(${file}, hive_partitioning = false)`,
  );
  if (Number(reader.getRows()[0]?.[0]) > 0) return "reward_model";
  const leaf = (name: string, path = `reward_model.${name}`): string => `${name} := ${path}`;
  const parameters = ["det_verifier_normalized", "det_reward_ratio"].map((name) => leaf(name, `${parm}.${name}`));
  const names = ["answer", "ground_truth", "accuracy_ratio", "format_ratio", "verifier"];
  return `struct_pack(${[...names.map((name) => leaf(name)), `verifier_parm := struct_pack(${parameters.join(", ")})`].join(", ")})`;
}

/** The reward function, as `v-triune-rewards python-client` prints it. */
function pythonClient(): string {
  const root = dirname(createRequire(import.meta.url).resolve("@v-triune/rewards/package.json"));
  return readFileSync(join(root, "python/v_triune_reward.py"), "utf8");
}

/**
 * verl judges evaluation with the same function; the row's split tells it, so that evaluation keeps its own IoU
 * threshold.
 */
function rewardShim({ evaluation }: TrainingConfig): string {
  return `"""The run's reward function for verl: asks the reward server; evaluation has an IoU threshold of its own."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import v_triune_reward

EVALUATION_EPSILON = ${typeof evaluation.epsilon === "number" ? evaluation.epsilon : JSON.stringify(evaluation.epsilon)}


async def compute_score(data_source, solution_str, ground_truth, extra_info=None, epsilon=None, **settings):
    evaluating = hasattr(extra_info, "get") and extra_info.get("split") == "eval"
    return await v_triune_reward.compute_score(
        data_source,
        solution_str,
        ground_truth,
        extra_info,
        epsilon=EVALUATION_EPSILON if evaluating else epsilon,
        is_training=not evaluating,
        **settings,
    )
`;
}

function launchScript({ overrides, stages }: VerlJob): string {
  return `#!/usr/bin/env bash
# Starts or continues the run; arguments are further Hydra overrides. README.md says what it needs.
set -euo pipefail
job="$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)"

train() { # LAST_STEP IOU_THRESHOLD OVERRIDES..
  local last="$1" epsilon="$2"; shift 2
  "\${PYTHON:-python3}" -m verl.trainer.main_ppo \\
${overrides.map((override) => `    ${override} \\`).join("\n")}
    trainer.total_training_steps="$last" \\
    +reward.custom_reward_function.reward_kwargs.epsilon="$epsilon" \\
    "$@"
}

${stages.map(({ until, epsilon }) => `train ${until} ${epsilon} "$@"`).join("\n")}
`;
}

function readme(config: TrainingConfig, { notes, stages }: VerlJob, train: number, evaluation: number): string {
  const { run, rollout, reward } = config;
  const sum = reward.normalised ? "" : " --sum";
  const rows = `${train} rows in data/train.parquet${evaluation > 0 ? `, ${evaluation} in data/eval.parquet` : ""}`;
  const thresholds = stages.map(({ until, epsilon }) => `${epsilon} to step ${until}`).join(", ");
  return `# ${run.name}, for verl

${run.steps} steps of ${rollout.promptsPerStep} prompts x ${rollout.n} answers. ${rows}.

1. Copy this folder to where every node of the Ray cluster sees it, with the model
   (\`MODEL=/path ./launch.sh\` where it lies elsewhere).
2. Start the reward server on a machine that the nodes reach, one or several:

       npx v-triune serve --host 0.0.0.0${sum}

3. Start the run on the head node, with verl 0.9.1 and vLLM (\`ROLLOUT=sglang\` for SGLang):

       V_TRIUNE_REWARD_URL=http://rewards:8000 NNODES=1 GPUS_PER_NODE=8 ./launch.sh

   Several reward servers are separated by commas. Further Hydra overrides go behind it:
   \`./launch.sh actor_rollout_ref.rollout.gpu_memory_utilization=0.6\`.
   \`./launch.sh --cfg job\` prints the whole configuration and trains nothing.

The rewards come from the server, with accuracy, format and whether a row was scored beside them in verl's metrics.
A gold answer that can't be read counts 0 there, as verl has no word for it: \`scored\` tells how many.
${stages.length > 1 ? `\nIoU thresholds: ${thresholds}.\n` : ""}
## What is different there

${notes.length === 0 ? "Nothing that the configuration says.\n" : notes.map((note) => `- ${note}`).join("\n")}
`;
}
