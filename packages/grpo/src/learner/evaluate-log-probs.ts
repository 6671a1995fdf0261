/** Log-probabilities without a gradient, in the micro-batches that an update would use. */
import * as tf from "@tensorflow/tfjs-core";
import type { Policy, PolicyRow } from "../policy";
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
