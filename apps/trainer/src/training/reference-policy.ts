/**
 * The reference policy of a KL term: the weights the run began with, frozen, beside the policy that is trained. Only loaded
 * when the configuration asks for a KL (the paper's recipe does not).
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Qwen25VlPolicy, RolloutRow } from "@v-triune/policy";
import type { ReferenceLogProbs } from "./training-step";

/**
 * @param reference a policy of its own; the caller disposes it
 * @param microBatchTokens most tokens of one forward pass, prompts included
 */
export function createReferenceLogProbs(reference: Pick<Qwen25VlPolicy, "logProbs">, temperature: number, microBatchTokens: number): ReferenceLogProbs {
  return (rows) => {
    const values: Float32Array[] = [];
    for (let from = 0; from < rows.length; ) {
      let until = from;
      let tokens = 0;
      do tokens += lengthOf(rows[until++] as RolloutRow);
      while (until < rows.length && tokens + lengthOf(rows[until] as RolloutRow) <= microBatchTokens);
      const batch = rows.slice(from, until);
      const width = Math.max(1, ...batch.map(({ completionIds }) => completionIds.length));
      const flat = tf.tidy(() => reference.logProbs(batch, { width, temperature }).logProbs.dataSync<"float32">());
      batch.forEach(({ completionIds }, row) => values.push(flat.slice(row * width, row * width + completionIds.length)));
      from = until;
    }
    return values;
  };
}

function lengthOf({ promptIds, completionIds }: RolloutRow): number {
  return promptIds.length + completionIds.length;
}
