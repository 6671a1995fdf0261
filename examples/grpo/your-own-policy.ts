import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import { selectedLogProbs, tokenEntropies, type Policy } from "@v-triune/grpo";
import { checkPolicy } from "@v-triune/grpo/testing";

await selectBackend({ prefer: "wasm" });

// A bigram model: the logits of a token depend on the token before it, 0 at the start.
const vocabulary = 5;
const table = tf.variable(tf.randomNormal([vocabulary, vocabulary], 0, 1, "float32", 1));

const policy: Policy = {
  parameters: [{ name: "table", variable: table, group: "table" }],
  logProbs(rows, { width, temperature, entropy }) {
    return tf.tidy(() => {
      const ids = rows.flatMap(({ completionIds }) => [...completionIds]);
      const before = rows.flatMap(({ completionIds }) => [
        0,
        ...completionIds.subarray(0, -1),
      ]);
      const chosen = tf.cast(
        tf.oneHot(tf.tensor1d(before, "int32"), vocabulary),
        "float32",
      );
      const logits = tf.matMul(chosen, table as tf.Tensor2D) as tf.Tensor2D;

      // One number per token, [N] → [B, width], 0 past the end of a row.
      const layOut = (values: tf.Tensor1D) => {
        let start = 0;
        const laidOut = rows.map(({ completionIds: { length } }) => {
          const own = tf.slice(values, start, length);
          start += length;
          return tf.pad(own, [[0, width - length]]);
        });
        return tf.stack(laidOut) as tf.Tensor2D;
      };
      const logProbs = layOut(selectedLogProbs(logits, Int32Array.from(ids), temperature));
      return entropy
        ? { logProbs, entropy: layOut(tokenEntropies(logits, temperature)) }
        : { logProbs };
    });
  },
};

const rows = [[1, 2, 3], [4], [2, 2]].map((ids) => ({
  completionIds: Int32Array.from(ids),
}));
const findings = await checkPolicy(policy, rows);
console.log(findings.filter(({ holds }) => !holds)); // an empty list: it keeps the contract
// []
