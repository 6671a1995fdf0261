/**
 * The reference policy of a KL term: the weights the run began with, frozen, beside the policy that is trained. Only
 * loaded when the configuration asks for a KL (the paper's recipe does not).
 */
import { evaluateLogProbs } from "@v-triune/grpo";
import type { VlmPolicy, TokenizedRollout } from "@v-triune/policy";

/** log π_ref of each row's completion, by a policy in this process or on a server. */
export type ReferenceLogProbs = (rows: readonly TokenizedRollout[]) => Float32Array[] | Promise<Float32Array[]>;

/**
 * @param reference a policy of its own; the caller disposes it
 * @param microBatchTokens most tokens of one forward pass, a prompt that rows share counted once
 */
export function createReferenceLogProbs(
  reference: Pick<VlmPolicy, "logProbs" | "tokenCount">,
  temperature: number,
  microBatchTokens: number,
): ReferenceLogProbs {
  return (rows) =>
    evaluateLogProbs(reference, rows as readonly TokenizedRollout[], { tokens: microBatchTokens }, temperature);
}
