/**
 * The lengths of all prompts of a run, before it begins. Pictures are not decoded: their headers decide how many tokens
 * they take. A sentence of the prompt pool is drawn for each prompt; in the run another draw may be a few tokens longer.
 */
import { type Processor, measuringProcessor } from "@v-triune/policy";
import type { PreparedPrompt, ToolOffer } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { configuredPromptMaker } from "./configured-prompt-maker";
import { promptLimit } from "./prompt-limit";
import { type TrainingDataOptions, openEvaluationData, openTrainingSource } from "./training-data";

/** The prompts of one kind, training or evaluation. */
export interface PromptLengths {
  /** Prompts whose tokens were counted. */
  readonly counted: number;
  /** Tokens of the longest, pictures included, and its name; null if no prompt could be counted. */
  readonly longest: { readonly tokens: number; readonly id: string } | null;
  /** The most tokens that a prompt may have; null without a limit. */
  readonly limit: number | null;
  /** Prompts above the limit: a run leaves them out. */
  readonly tooLong: number;
  /** Why rows could not be counted, one message for each. */
  readonly unusable: readonly string[];
}

export interface PromptLengthsOptions extends Pick<TrainingDataOptions, "verifiers"> {
  readonly processor: Processor;
  /** Most tokens of a sequence of the model. */
  readonly context: number;
  /** What prompts say of tools. Default: nothing. */
  readonly tools?: ToolOffer | undefined;
  /** Told after each batch. */
  readonly onProgress?: (counted: number) => void;
}

/** Rows that are read at a time. */
const BATCH = 64;

/**
 * Counts the tokens of each prompt that training or evaluation may ask.
 *
 * @returns `evaluation` is null without evaluation sets
 * @throws DatasetError when sets are missing or damaged; ConfigError when new tokens take all of the context
 */
export async function measurePromptLengths(
  config: TrainingConfig,
  { processor, verifiers, context, tools, onProgress = () => {} }: PromptLengthsOptions,
): Promise<{ readonly training: PromptLengths; readonly evaluation: PromptLengths | null }> {
  const { data, evaluation, rollout, run } = config;
  const unlimited = { ...config, rollout: { ...rollout, maxPromptTokens: null } };
  const options = {
    seed: run.seed,
    makePrompt: await configuredPromptMaker(unlimited, measuringProcessor(processor), undefined, tools),
    verifiers,
    strict: false,
  };
  let counted = 0;
  const tell = (more: number): void => onProgress((counted += more));

  const training = tally(promptLimit(rollout, context));
  const source = await openTrainingSource({ ...options, sets: data.train });
  try {
    const rows = Array.from({ length: source.length }, (_, row) => row).filter((row) => source.rows.entries[row]! > 0);
    for (let from = 0; from < rows.length; from += BATCH) {
      const batch = rows.slice(from, from + BATCH);
      training.add(await source.prompts(batch.map((row) => ({ row, position: row }))));
      tell(batch.length);
    }
  } finally {
    source.close();
  }
  if (data.eval.length === 0) return { training: training.result(), evaluation: null };

  const evaluated = tally(promptLimit({ ...rollout, maxNewTokens: evaluation.maxNewTokens }, context));
  const { samplesPerSource } = evaluation;
  const onBadRow = (message: string): void => evaluated.add([message]);
  const opened = await openEvaluationData({ ...options, sets: data.eval, onBadRow, samplesPerSource });
  try {
    for await (const prompts of opened.batches(BATCH)) {
      evaluated.add(prompts);
      tell(prompts.length);
    }
  } finally {
    opened.close();
  }
  return { training: training.result(), evaluation: evaluated.result() };
}

function tally(limit: number | null) {
  let counted = 0;
  let tooLong = 0;
  let longest: PromptLengths["longest"] = null;
  const unusable: string[] = [];
  return {
    add(prompts: readonly (PreparedPrompt | string)[]): void {
      for (const prompt of prompts) {
        if (typeof prompt === "string") {
          unusable.push(prompt);
          continue;
        }
        const tokens = prompt.promptIds.length;
        counted += 1;
        if (limit !== null && tokens > limit) tooLong += 1;
        if (longest === null || tokens > longest.tokens) longest = { tokens, id: prompt.id };
      }
    },
    result: (): PromptLengths => ({ counted, longest, limit, tooLong, unusable }),
  };
}
