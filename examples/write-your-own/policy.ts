import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import {
  createLearner,
  groupAdvantages,
  selectedLogProbs,
  tokenEntropies,
  type Policy,
} from "@v-triune/grpo";
import { checkPolicy } from "@v-triune/grpo/testing";

await selectBackend({ prefer: "wasm" });

// A unigram model: every token has the same logits, whatever stands before it.
const vocabulary = 4;
const logits = tf.variable(tf.zeros([vocabulary]), true, "logits");

const policy: Policy = {
  parameters: [{ name: "logits", variable: logits, group: "logits" }],
  logProbs(rows, { width, temperature, entropy }) {
    return tf.tidy(() => {
      const ids = rows.flatMap(({ completionIds }) => [...completionIds]);
      const all = tf.tile(tf.reshape(logits, [1, vocabulary]), [ids.length, 1]);
      const perToken = all as tf.Tensor2D;

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
      const chosen = selectedLogProbs(perToken, Int32Array.from(ids), temperature);
      const logProbs = layOut(chosen);
      return entropy
        ? { logProbs, entropy: layOut(tokenEntropies(perToken, temperature)) }
        : { logProbs };
    });
  },
};

const answers = [[1, 2, 3], [0], [3, 3]].map((ids) => ({
  completionIds: Int32Array.from(ids),
}));
const findings = await checkPolicy(policy, answers);
console.log(findings.filter(({ holds }) => !holds)); // an empty list: it keeps the contract

// The learner trains it: the reward likes the answer that is all threes.
const learner = createLearner({ policy, optimizer: { learningRate: 0.1 } });
const advantages = groupAdvantages([0, 0, 1], ["prompt", "prompt", "prompt"]);
const likelihood = () => Math.exp(learner.logProbs(answers)[2]?.[0] ?? 0).toFixed(2);
const before = likelihood();
for (let step = 0; step < 20; step++)
  learner.update(answers.map((row, i) => ({ row, advantage: advantages[i] ?? 0 })));
console.log(`${before} → ${likelihood()}`);
// []
// 0.25 → 0.95
