/**
 * Weights kept in bfloat16 beside float32 weights of the same values: node tools/run.mjs
 * packages/policy/src/bfloat16.bench.ts [tensorflow|tensorflow-gpu]
 *
 * SmolLM2-135M's shape with random weights and LoRA 16. Seconds of log-probabilities with gradients of 512 tokens,
 * milliseconds of a token that the backend or our own kernels decode for 8 rows, the least of three rounds in turn; bytes
 * of the tensors.
 * Fails where a log-probability or a gradient differs by a bit.
 */
import { selectBackend, type BackendName } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import { randomWeights, type VlmPolicy, type WeightDtype } from "./index";
import { smallLanguageModel } from "./testing/tiny-model";
import { createVlm } from "./folder/read-model";

const { description } = await selectBackend({ prefer: (process.argv[2] ?? "tensorflow") as BackendName });
const config = smallLanguageModel();
const weights = randomWeights(config, { seed: 1 });
// What a bfloat16 checkpoint holds: both sides start from the same numbers.
for (const values of weights.values()) {
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = bits[i]! & 0xffff0000;
}
const names: readonly WeightDtype[] = ["float32", "bfloat16"];
const sides = names.map((dtype) => {
  const before = tf.memory().numBytes;
  const options = { dtype, adapter: { rank: 16, seed: 1 } } as const;
  const policy = createVlm(config, weights, { ...options, decodeWith: "backend" });
  const bytes = tf.memory().numBytes - before;
  const byKernels = createVlm(config, weights, { ...options, decodeWith: "kernels" });
  return { dtype, policy, byKernels, bytes, update: Infinity, token: Infinity, kernelToken: Infinity };
});
weights.clear();

const ids = (from: number, length: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => 10 + ((from + i * 31) % 999));
const rows = [0, 1].map((i) => ({ promptIds: ids(i, 128), completionIds: ids(7 + i, 128), group: i }));

/** A hash of the bits of the log-probabilities and of all gradients. */
function update(policy: VlmPolicy): number {
  let hash = 0;
  const add = (tensor: tf.Tensor): void => {
    const values = tensor.dataSync() as Float32Array;
    for (const word of new Uint32Array(values.buffer, values.byteOffset, values.length))
      hash = (Math.imul(hash, 31) + word) | 0;
  };
  const { value, grads } = tf.variableGrads(
    () => tf.sum(policy.logProbs(rows, { width: 128 }).logProbs) as tf.Scalar,
    policy.parameters.map(({ variable }) => variable),
  );
  add(value);
  for (const { variable } of policy.parameters) add(grads[variable.name]!);
  tf.dispose([value, ...Object.values(grads)]);
  return hash;
}

/** Milliseconds of a token. */
async function decode(policy: VlmPolicy): Promise<number> {
  let first = 0;
  const stopWhen = (): boolean => {
    if (first === 0) first = performance.now();
    return false;
  };
  const options = { n: 8, maxNewTokens: 5, seed: 1, stopTokenIds: [], stopWhen };
  for await (const completion of policy.generate([{ promptIds: ids(3, 64) }], options)) void completion;
  return (performance.now() - first) / 4;
}

const hashes = new Set<number>();
for (let round = 0; round < 3; round++)
  for (const side of sides) {
    const start = performance.now();
    hashes.add(update(side.policy));
    side.update = Math.min(side.update, (performance.now() - start) / 1000);
    side.token = Math.min(side.token, await decode(side.policy));
    side.kernelToken = Math.min(side.kernelToken, await decode(side.byKernels));
  }
console.log(description);
for (const { dtype, bytes, update, token, kernelToken } of sides)
  console.log(
    `${dtype.padEnd(9)} ${(bytes / 1e6).toFixed(0)} MB, update ${update.toFixed(2)} s, token by the backend ` +
      `${token.toFixed(1)} ms, by our kernels ${kernelToken.toFixed(1)} ms`,
  );
const [whole, half] = sides as [(typeof sides)[0], (typeof sides)[0]];
const share = (key: "bytes" | "update" | "token" | "kernelToken"): string => (half[key] / whole[key]).toFixed(2);
console.log(
  `bfloat16 takes ${share("bytes")} of the memory, ${share("update")} of the time of an update, ${share("token")} of that of a ` +
    `token by the backend and ${share("kernelToken")} by our kernels; ${hashes.size === 1 ? "all bits are equal" : "BITS DIFFER"}`,
);
for (const { policy, byKernels } of sides) {
  policy.dispose();
  byKernels.dispose();
}
process.exit(hashes.size === 1 ? 0 : 1);
