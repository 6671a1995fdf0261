/**
 * The reference policy of a KL term: the weights the run began with, frozen, beside the policy that is trained. Only loaded
 * when the configuration asks for a KL (the paper's recipe does not).
 */
import * as tf from "@tensorflow/tfjs-core";
import { planMicroBatches } from "@v-triune/grpo";
import type { Qwen25VlPolicy, RolloutRow } from "@v-triune/policy";

/** log π_ref of each row's completion. */
export type ReferenceLogProbs = (rows: readonly RolloutRow[]) => Float32Array[];

/**
 * @param reference a policy of its own; the caller disposes it
 * @param microBatchTokens most tokens of one forward pass, a prompt that rows share counted once
 */
export function createReferenceLogProbs(
  reference: Pick<Qwen25VlPolicy, "logProbs" | "tokenCount">,
  temperature: number,
  microBatchTokens: number,
): ReferenceLogProbs {
  return (rows) => {
    const all = rows as readonly RolloutRow[];
    const lengths = all.map(({ completionIds }) => completionIds.length);
    const values: Float32Array[] = [];
    for (const indices of planMicroBatches(lengths, { tokens: microBatchTokens }, (some) =>
      reference.tokenCount(some.map((i) => all[i]!)),
    )) {
      const width = Math.max(1, ...indices.map((i) => lengths[i]!));
      const flat = tf.tidy(() =>
        reference
          .logProbs(
            indices.map((i) => all[i]!),
            { width, temperature },
          )
          .logProbs.dataSync<"float32">(),
      );
      indices.forEach((i, row) => (values[i] = flat.slice(row * width, row * width + lengths[i]!)));
    }
    return values;
  };
}
