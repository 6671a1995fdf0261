/**
 * Evaluation, apart from training: its own samples, its own IoU threshold, by default greedy. A source's score is the
 * mean accuracy reward of its scored answers; the run's score is the plain mean over the sources, so that a large
 * source does not hide a small one. The records hold, beside what training measures, mean@n, best@k, worst@k and maj@k.
 */
import { type MetricRecord, type ValidationSample, createStepMetrics, validationMetrics } from "@v-triune/monitor";
import { type CollectOptions, type PreparedPrompt, type Rollout, collectRollouts } from "@v-triune/rollouts";
import { parse, vTriune } from "@v-triune/verifiers/math";
import { rolloutRecord, taskOf } from "../reporting/rollout-record";
import type { EvaluationScores } from "../training-event";

export interface MeasureOptions extends Omit<CollectOptions, "onProgress"> {
  readonly batches: AsyncIterable<readonly PreparedPrompt[]>;
  readonly total: number;
  readonly step: number;
  /** Seeds the draws of maj@k. */
  readonly seed: number;
  /** Accuracy from which a box answer counts as correct. */
  readonly boxThreshold: number;
  /** What an answer is counted as in a vote. Default mathverify's reading. */
  readonly vote?: (rollout: Rollout) => string | null;
  /** Each answer, in order. */
  readonly onRollout?: (rollout: Rollout) => void;
  readonly onProgress?: (done: number, total: number) => void;
  /** Looked at between batches: a person who stops the run does not wait for the rest. */
  readonly interruption?: { readonly requested: boolean } | undefined;
}

/** What an evaluation found. */
export interface Evaluated {
  readonly scores: EvaluationScores;
  readonly records: readonly MetricRecord[];
}

/** @returns undefined when it was interrupted: the scores of a part are not the scores */
export async function measureAnswers(options: MeasureOptions): Promise<Evaluated | undefined> {
  const {
    batches,
    total,
    step,
    seed,
    boxThreshold,
    vote = votedAnswer,
    onRollout,
    onProgress,
    interruption,
    ...collect
  } = options;
  const metrics = createStepMetrics({ split: "eval", boxThreshold });
  const sums = new Map<string, { sum: number; count: number }>();
  const samples: { dataSource: string; task: string; scores: (number | null)[]; answers: (string | null)[] }[] = [];
  let done = 0;
  for await (const prompts of batches) {
    if (interruption?.requested) return undefined;
    const { rollouts } = await collectRollouts(prompts, {
      ...collect,
      onProgress: (inBatch) => onProgress?.(done + inBatch, total * collect.request.n),
    });
    done += rollouts.length;
    const first = samples.length;
    for (const { sample } of prompts)
      samples.push({ dataSource: sample.data_source, task: taskOf(sample), scores: [], answers: [] });
    for (const rollout of rollouts) {
      const index = first + rollout.promptIndex;
      onRollout?.(rollout);
      metrics.add(rolloutRecord({ ...rollout, promptIndex: index }));
      const { result } = rollout;
      samples[index]?.scores.push(result.status === "scored" ? result.accuracy : null);
      samples[index]?.answers.push(result.status === "scored" ? vote(rollout) : null);
      if (result.status !== "scored") continue;
      const source = rollout.prompt.sample.data_source;
      const tally = sums.get(source) ?? { sum: 0, count: 0 };
      sums.set(source, { sum: tally.sum + result.accuracy, count: tally.count + 1 });
    }
  }
  const bySource = Object.fromEntries(
    [...sums].sort(([a], [b]) => a.localeCompare(b)).map(([source, { sum, count }]) => [source, sum / count]),
  );
  const values = Object.values(bySource);
  return {
    scores: {
      mean: values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length,
      bySource,
      counts: Object.fromEntries([...sums].map(([source, { count }]) => [source, count])),
    },
    records: mergeRecords(
      metrics.finish(step),
      validationMetrics(step, samples satisfies ValidationSample[], { seed }),
    ),
  };
}

/** What an answer is counted as in a vote; null where two answers can't be the same vote (lists of boxes). */
function votedAnswer({ prompt, response }: Rollout): string | null {
  if (prompt.sample.reward_model.verifier !== "mathverify") return null;
  const text = parse(response, vTriune.prediction).at(-1);
  return typeof text === "string" ? text : "";
}

/** One record a source, task and whole, with the numbers of both. */
function mergeRecords(records: readonly MetricRecord[], further: readonly MetricRecord[]): MetricRecord[] {
  const key = ({ scope, name }: MetricRecord) => `${scope} ${name}`;
  const others = new Map(further.map((record) => [key(record), record]));
  return records.map((record) => ({ ...record, metrics: { ...record.metrics, ...others.get(key(record))?.metrics } }));
}
