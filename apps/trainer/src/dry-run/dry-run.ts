/** `v-triune train --dry-run`: what a run would do, without loading weights or writing anything. */
import { totalmem } from "node:os";
import { selectBackend } from "@v-triune/backend";
import { wrapText } from "@v-triune/errors";
import { type VlmConfig, arithmeticOf, decodesNatively } from "@v-triune/policy";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { seenSizes } from "@v-triune/rollouts";
import {
  type ClientMemory,
  type TrainingBatch,
  type MemoryEstimate,
  type PromptLengths,
  type TrainingSource,
  answerTokens,
  configuredProcessor,
  configuredPromptMaker,
  estimateClientMemory,
  estimateMemory,
  teacherArchitecture,
  measurePromptLengths,
  modelArchitecture,
  DifficultySampler,
  openTrainingSource,
  openTurns,
  processorFolder,
  totalUpdates,
  workerCount,
} from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { createVerifierRegistry } from "@v-triune/verifiers";
import { formatClientMemory, formatMemory } from "./format-memory";
import { formatTime } from "./format-time";
import { type NotMeasured, type TimeEstimate, type TimeOptions, estimateTime } from "./time-estimate";

/** Prompts of the first batch: those that are shown, to see how they look, and those that time is measured with. */
const SHOWN_PROMPTS = 4;
const MEASURED_PROMPTS = 16;

/** What a run would be; `text` is all of it for people. */
export interface DryRun {
  readonly run: { readonly name: string; readonly steps: number; readonly updates: number };
  readonly data: {
    readonly samples: number;
    readonly sources: readonly string[];
    readonly epochs: number;
    readonly leftOut: number;
  };
  readonly prompts: readonly {
    readonly id: string;
    readonly tokens: number;
    readonly pictures: readonly (readonly [width: number, height: number])[];
    readonly text: string;
  }[];
  /** Of this machine; without the model where it lies on a training server. */
  readonly memory: (MemoryEstimate | ClientMemory) & { readonly available: number };
  /** All prompts of the run, counted; `evaluation` is null without evaluation sets. */
  readonly lengths: { readonly training: PromptLengths; readonly evaluation: PromptLengths | null };
  /** null where it was not measured: rollouts or training by servers, or a model that does not fit. */
  readonly time: TimeEstimate | null;
  /** Why it was not. */
  readonly timeNotMeasured: string | null;
  readonly text: string;
}

/**
 * The data, the first prompts as the model sees them, the lengths of all, and estimates of memory and time.
 *
 * @param available bytes of memory to compare with; default the machine's
 * @param onProgress told how many prompts were counted so far
 * @param options.clock by which time is measured
 * @throws ConfigError, DatasetError, TokenizerError: what training would refuse
 */
export async function dryRun(
  config: TrainingConfig,
  available: number = totalmem(),
  onProgress?: (counted: number) => void,
  { clock }: Pick<TimeOptions, "clock"> = {},
): Promise<DryRun> {
  const { model, rollout, run, update } = config;
  const architecture = await modelArchitecture(model);
  const processor = await configuredProcessor(model);
  const context = architecture.text.maxPositionEmbeddings;
  const verifiers = createVerifierRegistry(builtinVerifiers()).names;
  // Tool modules are loaded, so that one that cannot be is found now.
  const turns = await openTurns(config, { policy: { config: architecture }, processor });
  await turns?.close();
  const options = {
    seed: run.seed,
    makePrompt: await configuredPromptMaker(config, processor, context, turns?.offer),
    verifiers,
    strict: config.strict,
  };
  const data = await openTrainingSource({ ...options, sets: config.data.train });
  try {
    const difficulty = config.data.sampling?.difficulty;
    const { prompts, badRows: skipped } = await firstPrompts(data, config);
    const shown = prompts.slice(0, SHOWN_PROMPTS);
    const lengths = await measurePromptLengths(config, {
      processor,
      verifiers,
      context,
      tools: turns?.offer,
      ...(onProgress && { onProgress }),
    });
    const { patchSize } = processor.imageProcessor.settings;
    const { memory, formatted } = await memoryOf(config, architecture, prompts, available);
    const { evaluation } = lengths;
    const timed = await timeOf(config, architecture, {
      prompts,
      processor,
      tools: turns?.offer,
      memory,
      available,
      clock,
      evaluated: evaluation === null ? 0 : evaluation.counted - evaluation.tooLong,
    });
    const time = "reason" in timed ? null : timed;
    const epochs = (run.steps * rollout.promptsPerStep) / data.length;
    const lines = [
      wrapText(
        `Run ${run.name}: ${run.steps} steps of ${rollout.promptsPerStep} prompts x ${rollout.n} answers, ` +
          `${totalUpdates(config)} updates (${update.epochs} x ${rollout.promptsPerStep / update.miniBatch} a step)`,
        80,
        2,
      ),
      wrapText(
        `Data: ${data.length} samples of ${data.sources.length} sources (${data.sources.join(", ")}), ` +
          (difficulty
            ? `${run.steps * rollout.promptsPerStep} draws, more often of those with a mean accuracy of ` +
              `${difficulty.band.join(" to ")}; at least ${difficulty.floor * 100} % of each source`
            : `${epochs.toFixed(1)} epochs`),
        80,
        2,
      ),
      ...formatLengths(lengths, config, context),
      ...formatTurns(config, lengths.training.longest?.tokens ?? 0, context),
      "",
      ...shown.flatMap((prompt, index) => {
        const sizes = seenSizes(prompt, patchSize).map(([, height, width]) => `${width} x ${height}`);
        const placeholders = prompt.promptIds.filter((id) => id === processor.imageTokenId).length;
        const pictures =
          `${sizes.length} ${sizes.length === 1 ? "picture" : "pictures"}` +
          (sizes.length === 0 ? "" : ` (${sizes.join(", ")} pixels)`);
        const head = `${prompt.id}: ${prompt.promptIds.length} tokens, ${placeholders} of them of ${pictures}`;
        return index === 0
          ? [
              head,
              ...prompt.text
                .trimEnd()
                .split("\n")
                .map((line) => `  | ${line}`),
            ]
          : [head];
      }),
      ...(skipped.length === 0 ? [] : [`${skipped.length} rows were left out on the way, the first: ${skipped[0]}`]),
      "",
      formatted,
      "",
      formatTime(timed, config),
      "",
    ];
    return {
      run: { name: run.name, steps: run.steps, updates: totalUpdates(config) },
      data: { samples: data.length, sources: data.sources, epochs, leftOut: skipped.length },
      prompts: shown.map((prompt) => ({
        id: prompt.id,
        tokens: prompt.promptIds.length,
        pictures: seenSizes(prompt, patchSize).map(([, height = 0, width = 0]) => [width, height] as const),
        text: prompt.text,
      })),
      lengths,
      memory: { ...memory, available },
      time,
      timeNotMeasured: "reason" in timed ? timed.reason : null,
      text: lines.join("\n"),
    };
  } finally {
    data.close();
  }
}

/** What this machine needs, as numbers and as lines for people. */
async function memoryOf(
  config: TrainingConfig,
  architecture: VlmConfig,
  prompts: TrainingBatch["prompts"],
  available: number,
): Promise<{ readonly memory: MemoryEstimate | ClientMemory; readonly formatted: string }> {
  const longest = Math.max(0, ...prompts.map(({ promptIds }) => promptIds.length));
  const ofPictures = prompts.map(({ promptIds }) => promptIds.filter((id) => id === architecture.imageTokenId).length);
  const pictureTokens = Math.max(0, ...ofPictures);
  if (config.training) {
    const memory = estimateClientMemory(config, architecture, { tokens: longest, pictureTokens });
    return { memory, formatted: formatClientMemory(memory, available, config.training.engine.url) };
  }
  await selectBackend({ prefer: config.backend });
  const memory = estimateMemory(config, architecture, {
    available,
    teacher: await teacherArchitecture(config),
    nativeDecoding: decodesNatively(),
    arithmetic: arithmeticOf(config.update.computeWith),
    workers: workerCount(config.workers),
    pictureTokens,
    ...(longest > 0 && { promptTokens: longest }),
  });
  return { memory, formatted: formatMemory(memory, available) };
}

/** Seconds, or why they were not measured. */
async function timeOf(
  config: TrainingConfig,
  architecture: VlmConfig,
  {
    prompts,
    processor,
    tools,
    memory,
    available,
    evaluated,
    clock,
  }: Pick<TimeOptions, "processor" | "tools"> & {
    readonly clock: TimeOptions["clock"];
    readonly prompts: TrainingBatch["prompts"];
    readonly memory: MemoryEstimate | ClientMemory;
    readonly available: number;
    readonly evaluated: number;
  },
): Promise<TimeEstimate | NotMeasured> {
  if (config.training || !("gradientCheckpointing" in memory)) return { reason: "the model is trained on a server" };
  if (config.rollout.engine !== "local") return { reason: "answers come from a server" };
  if (prompts.length === 0) return { reason: "no prompt of the first step can be used" };
  if (memory.total >= available) return { reason: "the run does not fit into memory" };
  return estimateTime(config, architecture, {
    prompts,
    sourceFolder: processorFolder(config.model),
    processor,
    tools,
    gradientCheckpointing: memory.gradientCheckpointing,
    evaluated,
    ...(clock && { clock }),
  });
}

/** Prompts that the run draws first. */
async function firstPrompts(
  data: TrainingSource,
  { data: { sampling }, run, rollout }: TrainingConfig,
): Promise<Pick<TrainingBatch, "prompts" | "badRows">> {
  const count = Math.min(MEASURED_PROMPTS, rollout.promptsPerStep);
  if (!sampling) return data.batch(0, count);
  const drawn = await data.prompts(new DifficultySampler(data.rows, sampling.difficulty, run.seed).draw(count));
  return {
    prompts: drawn.filter((prompt) => typeof prompt !== "string"),
    badRows: drawn.filter((prompt) => typeof prompt === "string"),
  };
}

/** How long answers of several turns may become, and whether the longest prompt leaves room for that. */
function formatTurns({ rollout }: TrainingConfig, longest: number, context: number): string[] {
  const { turns, maxNewTokens } = rollout;
  if (!turns) return [];
  const count = (value: number): string => value.toLocaleString("en-US");
  const tools = turns.tools.map((tool) => ("module" in tool ? tool.module : tool.name));
  const most = longest + answerTokens(rollout);
  const head =
    `Turns: at most ${turns.max}, with ${tools.length === 0 ? "no tools" : tools.join(", ")} (${turns.form}); an answer ` +
    `writes at most ${count(maxNewTokens)} tokens and is shown ${count(turns.maxShownTokens)}`;
  const room =
    `  With the longest prompt that is ${count(most)} tokens, and the model takes ${count(context)}: such answers are cut ` +
    "off. Lower rollout.turns.maxShownTokens or rollout.maxNewTokens, or make the pictures smaller.";
  return [head, ...(most > context ? [room] : [])].map((line) => wrapText(line, 80, 2));
}

/** How long the prompts are, how many a run would leave out, and which keys to change then. */
function formatLengths(
  { training, evaluation }: DryRun["lengths"],
  { rollout, evaluation: { maxNewTokens } }: TrainingConfig,
  context: number,
): string[] {
  const count = (value: number): string => value.toLocaleString("en-US");
  const about = (name: string, newTokens: number, key: string, lengths: PromptLengths): string[] => {
    const { counted, longest, limit, tooLong, unusable } = lengths;
    const head =
      longest === null
        ? `${name}: no prompt can be used`
        : `${name}: ${count(counted)} prompts of at most ${count(longest.tokens)} tokens (${longest.id})`;
    const lines = [head];
    if (tooLong > 0 && limit !== null) {
      const configured = limit === rollout.maxPromptTokens;
      const reason = configured
        ? `rollout.maxPromptTokens is ${count(limit)}`
        : `the model takes ${count(context)} tokens, and ${key} (${count(newTokens)}) leaves ${count(limit)} of them`;
      lines.push(
        `  ${count(tooLong)} of them ${tooLong === 1 ? "is" : "are"} longer than ${count(limit)} tokens and will be ` +
          `left out: ${reason}. ${configured ? "Raise rollout.maxPromptTokens" : `Lower ${key}`}, or make the ` +
          "pictures smaller.",
      );
    }
    if (unusable.length > 0) lines.push(`  ${count(unusable.length)} rows cannot be used, the first: ${unusable[0]}`);
    return lines.map((line) => wrapText(line, 80, 2));
  };
  return [
    ...about("Training", rollout.maxNewTokens, "rollout.maxNewTokens", training),
    ...(evaluation === null ? [] : about("Evaluation", maxNewTokens, "evaluation.maxNewTokens", evaluation)),
  ];
}
