/** Log-probabilities without a gradient, in the micro-batches that an update would use. */
import * as tf from "@tensorflow/tfjs-core";
import { LearnerConfigError } from "../errors";
import type { LogProbsOptions, Policy, PolicyRow, TopTokens } from "../policy";
import { takeValues } from "../take-values";
import { planMicroBatches, type MicroBatchLimits } from "./micro-batches";

/** The part of a policy that answers without a gradient. */
export type EvaluatedPolicy<Row extends PolicyRow> = Pick<Policy<Row>, "logProbs" | "tokenCount">;

/**
 * Log-probabilities of each row's completion, for π_old or π_ref.
 *
 * @param temperature the one the rows were sampled with
 * @returns one array per row, as long as its completion
 */
export function evaluateLogProbs<Row extends PolicyRow>(
  policy: EvaluatedPolicy<Row>,
  rows: readonly Row[],
  limits: MicroBatchLimits | undefined,
  temperature: number,
): Float32Array[] {
  const result: Float32Array[] = rows.map(() => new Float32Array());
  for (const batch of planRows(policy, rows, limits)) {
    const some = batch.map((i) => rows[i]!);
    const width = Math.max(1, ...some.map((row) => row.completionIds.length));
    const values = takeValues(tf.tidy(() => policy.logProbs(some, { width, temperature }).logProbs));
    batch.forEach((i, b) => (result[i] = values.slice(b * width, b * width + rows[i]!.completionIds.length)));
  }
  return result;
}

/**
 * The K likeliest tokens of each position.
 *
 * @returns for each row, flat [T · K]
 * @throws LearnerConfigError for a policy without `topTokens`
 */
export function evaluateTopTokens<Row extends PolicyRow>(
  policy: EvaluatedPolicy<Row> & Pick<Policy<Row>, "topTokens">,
  rows: readonly Row[],
  limits: MicroBatchLimits | undefined,
  count: number,
  temperature: number,
): TopTokens[] {
  if (!policy.topTokens)
    throw new LearnerConfigError({
      key: "policy.topTokens",
      expected: "a policy that says which tokens are the likeliest",
      found: "nothing",
      fix: "give the policy topTokens, or leave the divergence out",
    });
  const result: TopTokens[] = [];
  for (const batch of planRows(policy, rows, limits)) {
    const found = policy.topTokens(
      batch.map((i) => rows[i]!),
      count,
      temperature,
    );
    batch.forEach((i, b) => (result[i] = found[b]!));
  }
  return result;
}

/**
 * Log-probabilities of given tokens at each position, by a teacher.
 *
 * @param ids K tokens of each position of each row, flat [T · K]
 * @returns for each row, flat [T · K]
 */
export function evaluateCandidates<Row extends PolicyRow>(
  policy: EvaluatedPolicy<Row>,
  rows: readonly Row[],
  { ids, count }: NonNullable<LogProbsOptions["candidates"]>,
  limits: MicroBatchLimits | undefined,
  temperature: number,
): Float32Array[] {
  const result: Float32Array[] = [];
  for (const batch of planRows(policy, rows, limits)) {
    const some = batch.map((i) => rows[i]!);
    const width = Math.max(1, ...some.map((row) => row.completionIds.length));
    const candidates = { ids: batch.map((i) => ids[i]!), count };
    const values = takeValues(tf.tidy(() => policy.logProbs(some, { width, temperature, candidates }).candidates!));
    batch.forEach((i, b) => {
      const start = b * width * count;
      result[i] = values.slice(start, start + rows[i]!.completionIds.length * count);
    });
  }
  return result;
}

/** Micro-batches of the rows, as their indices. */
export function planRows<Row extends PolicyRow>(
  policy: EvaluatedPolicy<Row>,
  rows: readonly Row[],
  limits: MicroBatchLimits | undefined,
): number[][] {
  const count = policy.tokenCount?.bind(policy);
  return planMicroBatches(
    rows.map((row) => row.completionIds.length),
    limits,
    count && ((indices) => count(indices.map((i) => rows[i]!))),
  );
}
