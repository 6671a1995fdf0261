import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import { createProcessor, loadVlm } from "@v-triune/policy";

await selectBackend({ prefer: "wasm" });
const folder = "node_modules/v-triune/assets/demo-model"; // or any Qwen-VL folder
const processor = createProcessor(folder);
const policy = await loadVlm(folder, { adapter: { rank: 4 } });

const prompt = await processor.encode([{ role: "user", content: "What is 2 + 2?" }]);
const completionIds = Int32Array.from(processor.tokenizer.encode("4"));
const rows = [{ ...prompt, completionIds }];

// One gradient step on the adapter, towards this answer.
const loss = () =>
  tf.neg(
    tf.mean(policy.logProbs(rows, { width: completionIds.length }).logProbs),
  ) as tf.Scalar;
const { value, grads } = tf.variableGrads(loss);
for (const { variable } of policy.parameters) {
  const gradient = grads[variable.name];
  if (gradient !== undefined) variable.assign(tf.sub(variable, tf.mul(gradient, 0.5)));
}
console.log(
  policy.parameters.length,
  "matrices;",
  "loss fell:",
  loss().dataSync()[0]! < value.dataSync()[0]!,
);
// 32 matrices; loss fell: true
