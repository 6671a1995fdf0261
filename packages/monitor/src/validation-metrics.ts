/**
 * Validation metrics over n answers a sample: mean@n, std@n, best@k, worst@k, maj@k, by source, task and in all. Names
 * and meaning are verl's (`process_validation_metrics`, 0.9): k runs over 2, 4, 8, .. and n, and each is the
 * expectation over drawing k of a sample's n answers with replacement, then averaged over samples.
 *
 * Deviations from verl:
 * - best@k and worst@k are that expectation in closed form, P(max ≤ i-th smallest) = (i/n)^k, where verl estimates it
 *   from 1,000 draws: same value, no noise. maj@k has no short closed form and is drawn, with a seed.
 * - A sample with fewer answers (some skipped or failed) uses those it has; one with none is left out and counted.
 */
import type { MetricRecord, MetricScope } from "./metric-record";
import { RunningMoments } from "./running-moments";
import { seededRandom } from "./seeded-random";

/** All answers to one evaluation sample. */
export interface ValidationSample {
  readonly dataSource: string;
  readonly task: string;
  /** One score an answer (accuracy reward); null where the answer was not scored. */
  readonly scores: readonly (number | null)[];
  /** The extracted answers, aligned with `scores`; needed for maj@k, equal text is one vote. */
  readonly answers?: readonly (string | null)[];
}

export interface ValidationOptions {
  /** Prefix of the names. Default "acc", as verl's. */
  readonly variable?: string;
  /** Draws for maj@k. Default 1,000. */
  readonly bootstrap?: number;
  /** Seed of those draws. Default 42. */
  readonly seed?: number;
}

/**
 * Mean and deviation of the largest of k values drawn with replacement.
 *
 * @param sorted the values, ascending; for the smallest of k, pass them negated
 */
export function expectedBest(sorted: readonly number[], k: number): { readonly mean: number; readonly std: number } {
  const n = sorted.length;
  let mean = 0;
  let square = 0;
  for (let i = 0; i < n; i += 1) {
    const probability = ((i + 1) / n) ** k - (i / n) ** k;
    mean += probability * sorted[i]!;
    square += probability * sorted[i]! ** 2;
  }
  return { mean, std: Math.sqrt(Math.max(0, square - mean * mean)) };
}

/**
 * Mean score of the majority answer among k drawn ones; ties go to the answer drawn first, and the score is that of its
 * first vote.
 */
export function majorityScore(
  scores: readonly number[],
  answers: readonly string[],
  k: number,
  options: { readonly bootstrap?: number; readonly seed?: number } = {},
): { readonly mean: number; readonly std: number } {
  const random = seededRandom(options.seed ?? 42);
  const moments = new RunningMoments();
  for (let draw = 0; draw < (options.bootstrap ?? 1000); draw += 1) {
    const votes = new Map<string, { count: number; score: number }>();
    for (let i = 0; i < k; i += 1) {
      const index = Math.floor(random() * scores.length);
      const vote = votes.get(answers[index]!);
      if (vote === undefined) votes.set(answers[index]!, { count: 1, score: scores[index]! });
      else vote.count += 1;
    }
    let winner = { count: 0, score: 0 };
    for (const vote of votes.values()) if (vote.count > winner.count) winner = vote;
    moments.add(winner.score);
  }
  return { mean: moments.mean, std: moments.std };
}

/** 2, 4, 8, .. below n, then n. */
function drawSizes(n: number): number[] {
  const sizes: number[] = [];
  for (let k = 2; k < n; k *= 2) sizes.push(k);
  if (n > 1) sizes.push(n);
  return sizes;
}

function sampleMetrics(
  sample: ValidationSample,
  n: number,
  options: Required<ValidationOptions>,
): Record<string, number> | null {
  const kept = sample.scores.flatMap((score, i) =>
    score === null ? [] : [{ score, answer: sample.answers?.[i] ?? null }],
  );
  if (kept.length === 0) return null;
  const { variable } = options;
  const moments = new RunningMoments();
  for (const { score } of kept) moments.add(score);
  const metrics: Record<string, number> = { [`${variable}/mean@${n}`]: moments.mean };
  if (n === 1) return metrics;
  metrics[`${variable}/std@${n}`] = moments.std;
  const ascending = kept.map(({ score }) => score).sort((a, b) => a - b);
  const negated = ascending.map((score) => -score).reverse();
  const answers = kept.map(({ answer }) => answer);
  const voting = answers.every((answer) => answer !== null);
  for (const k of drawSizes(n)) {
    const best = expectedBest(ascending, k);
    const worst = expectedBest(negated, k);
    metrics[`${variable}/best@${k}/mean`] = best.mean;
    metrics[`${variable}/best@${k}/std`] = best.std;
    metrics[`${variable}/worst@${k}/mean`] = -worst.mean;
    metrics[`${variable}/worst@${k}/std`] = worst.std;
    if (voting) {
      const majority = majorityScore(
        kept.map(({ score }) => score),
        answers as string[],
        k,
        options,
      );
      metrics[`${variable}/maj@${k}/mean`] = majority.mean;
      metrics[`${variable}/maj@${k}/std`] = majority.std;
    }
  }
  return metrics;
}

/**
 * The evaluation's records at a step: a record a source, a task, and one for all. The mean over "all" is over samples,
 * not over sources; `<variable>/source_mean@n` beside it is the unweighted mean over sources.
 *
 * @throws RangeError when a sample has more answers than scores
 */
export function validationMetrics(
  step: number,
  samples: readonly ValidationSample[],
  options: ValidationOptions = {},
): MetricRecord[] {
  const settings = {
    variable: options.variable ?? "acc",
    bootstrap: options.bootstrap ?? 1000,
    seed: options.seed ?? 42,
  };
  const n = samples.reduce((most, sample) => Math.max(most, sample.scores.length), 0);
  const cells = new Map<
    string,
    {
      scope: MetricScope;
      name: string;
      tasks: Set<string>;
      samples: number;
      unscored: number;
      moments: Map<string, RunningMoments>;
    }
  >();
  const cellOf = (scope: MetricScope, name: string) => {
    const key = `${scope} ${name}`;
    let cell = cells.get(key);
    if (cell === undefined)
      cells.set(key, (cell = { scope, name, tasks: new Set(), samples: 0, unscored: 0, moments: new Map() }));
    return cell;
  };
  for (const [index, sample] of samples.entries()) {
    if (sample.answers !== undefined && sample.answers.length !== sample.scores.length) {
      throw new RangeError(
        `validationMetrics: sample ${index} has ${sample.answers.length} answers for ${sample.scores.length} scores`,
      );
    }
    const metrics = sampleMetrics(sample, n, settings);
    for (const cell of [cellOf("source", sample.dataSource), cellOf("task", sample.task), cellOf("all", "all")]) {
      cell.tasks.add(sample.task);
      cell.samples += 1;
      if (metrics === null) cell.unscored += 1;
      for (const name in metrics) {
        let moments = cell.moments.get(name);
        if (moments === undefined) cell.moments.set(name, (moments = new RunningMoments()));
        moments.add(metrics[name]!);
      }
    }
  }
  const meanName = `${settings.variable}/mean@${n}`;
  const order: MetricScope[] = ["source", "task", "all"];
  return [...cells.values()]
    .sort((a, b) => order.indexOf(a.scope) - order.indexOf(b.scope))
    .map((cell): MetricRecord => {
      const metrics: Record<string, number> = { "samples/count": cell.samples, "samples/unscored": cell.unscored };
      for (const [name, moments] of cell.moments) metrics[name] = moments.mean;
      if (cell.scope === "all") {
        const sources = new RunningMoments();
        for (const other of cells.values()) {
          const mean = other.scope === "source" ? other.moments.get(meanName)?.mean : undefined;
          if (mean !== undefined) sources.add(mean);
        }
        if (sources.count > 0) metrics[`${settings.variable}/source_mean@${n}`] = sources.mean;
      }
      const [task, ...further] = cell.tasks;
      return {
        step,
        split: "eval",
        scope: cell.scope,
        name: cell.name,
        ...(cell.scope !== "all" && further.length === 0 && task !== undefined ? { task } : {}),
        metrics,
      };
    });
}
