/**
 * Evaluation, apart from training: its own samples, its own IoU threshold, greedy unless told. A source's score is the mean
 * accuracy reward of its scored answers; the run's score is the plain mean over the sources, so that a large source does not
 * hide a small one.
 */
import { type MetricRecord, createStepMetrics } from "@v-triune/monitor";
import { type CollectOptions, collectRollouts } from "./collect-rollouts";
import type { PreparedPrompt } from "./prepared-prompt";
import { rolloutRecord } from "./rollout-record";
import type { EvaluationScores } from "./training-event";

export interface EvaluateOptions extends Omit<CollectOptions, "onProgress"> {
  readonly batches: AsyncIterable<readonly PreparedPrompt[]>;
  readonly total: number;
  readonly step: number;
  /** Accuracy from which a box answer counts as correct. */
  readonly boxThreshold: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Looked at between batches: a person who stops the run does not wait for the rest. */
  readonly interruption?: { readonly requested: boolean } | undefined;
}

/** @returns undefined when it was interrupted: the scores of a part are not the scores */
export async function evaluate(options: EvaluateOptions): Promise<{ scores: EvaluationScores; records: MetricRecord[] } | undefined> {
  const { batches, total, step, boxThreshold, onProgress, interruption, ...collect } = options;
  const metrics = createStepMetrics({ split: "eval", boxThreshold });
  const sums = new Map<string, { sum: number; count: number }>();
  let done = 0;
  for await (const prompts of batches) {
    if (interruption?.requested) return undefined;
    const { rollouts } = await collectRollouts(prompts, {
      ...collect,
      onProgress: (inBatch) => onProgress?.(done + inBatch, total * collect.request.n),
    });
    done += rollouts.length;
    for (const rollout of rollouts) {
      metrics.add(rolloutRecord(rollout));
      if (rollout.result.status !== "scored") continue;
      const source = rollout.prompt.sample.data_source;
      const tally = sums.get(source) ?? { sum: 0, count: 0 };
      sums.set(source, { sum: tally.sum + rollout.result.accuracy, count: tally.count + 1 });
    }
  }
  const bySource = Object.fromEntries([...sums].sort(([a], [b]) => a.localeCompare(b)).map(([source, { sum, count }]) => [source, sum / count]));
  const values = Object.values(bySource);
  return {
    scores: {
      mean: values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length,
      bySource,
      counts: Object.fromEntries([...sums].map(([source, { count }]) => [source, count])),
    },
    records: metrics.finish(step),
  };
}
