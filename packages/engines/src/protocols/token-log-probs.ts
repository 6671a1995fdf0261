/**
 * The tokens of an answer and their log-probabilities, as servers send them. JSON has no NaN and no infinity, so a
 * server whose numbers overflow sends null, a text ("NaN", "-inf") or leaves the field out; vLLM sends -9999 for
 * -infinity. A drawn token has a probability above 0, so none of these is its log-probability. Read as numbers they
 * would be 0 (probability 1) or NaN, and either would change the training without a word.
 */
import { describeValue } from "@v-triune/errors";

/** Log-probabilities of an answer, or why they cannot be used. */
export type TokenLogProbs = { readonly logProbs: Float32Array } | { readonly logProbsFault: string };

/** What rounding may add to a log-probability of 0. */
const ROUNDING = 1e-3;
/** vLLM's -infinity (vllm/entrypoints/openai: `max(logprob, -9999.0)`). */
const MINUS_INFINITY = -9999;

/** @param values as in the reply, one per token */
export function tokenLogProbs(values: readonly unknown[]): TokenLogProbs {
  const at = values.findIndex((value) => !isLogProb(value));
  if (at >= 0) {
    const found = values[at] === undefined ? "nothing" : describeValue(values[at]);
    return { logProbsFault: `${found} for token ${at + 1} of ${values.length}` };
  }
  return { logProbs: Float32Array.from(values as number[], (value) => Math.min(value, 0)) };
}

/** The ids of drawn tokens; undefined if one is no whole number. Some servers send them as texts of digits. */
export function tokenIdsOf(values: readonly unknown[]): Int32Array | undefined {
  const ids = values.map((value) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value));
  return ids.every((id) => Number.isInteger(id)) ? Int32Array.from(ids as number[]) : undefined;
}

const isLogProb = (value: unknown): boolean =>
  typeof value === "number" && Number.isFinite(value) && value > MINUS_INFINITY && value <= ROUNDING;
