import { selectBackend } from "@v-triune/backend";
import { createLearner, groupAdvantages } from "@v-triune/grpo";
import { createBanditPolicy } from "@v-triune/grpo/testing";

await selectBackend({ prefer: "wasm" });
const policy = createBanditPolicy({ states: 2, positions: 1, vocabulary: 3 });
const learner = createLearner({ policy, optimizer: { learningRate: 0.1 } });

// Three answers to one prompt; the reward likes the second.
const rows = [0, 1, 2].map((token) => ({ state: 0, completionIds: Int32Array.of(token) }));
const advantages = groupAdvantages([0, 1, 0], ["prompt", "prompt", "prompt"]);
const probability = () => Math.exp(learner.logProbs(rows)[1]?.[0] ?? 0).toFixed(2);

console.log(probability());
for (let step = 0; step < 20; step++) {
  learner.update(rows.map((row, i) => ({ row, advantage: advantages[i] ?? 0 })));
}
console.log(probability());
// 0.33
// 1.00
