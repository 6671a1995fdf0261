import { BackendError, selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { type UpdateKernels, createVlm, randomWeights } from "@v-triune/policy";
import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { smallModelConfig } from "../testing/small-model-config";

const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const skips = backend instanceof BackendError || tf.getKernel("VTriuneAdamW", "tensorflow") === undefined;
if (skips) console.warn("Skipping steps of an adapter in one pass: npx v-triune native install compiles the kernels.");

/** Kernels of a learner's update of an adapter, and how many tensors it trains. */
async function kernelsOfUpdate(
  computeWith: UpdateKernels,
): Promise<{ adamW: number; squares: number; trained: number }> {
  const policy = createVlm(smallModelConfig, randomWeights(smallModelConfig, { seed: 1 }), {
    computeWith,
    adapter: { rank: 2, alpha: 4, targetModules: ".*language_model.*\\.(q_proj|v_proj)" },
  });
  const learner = createLearner({ policy, optimizer: { learningRate: 1e-3 } });
  const row = { promptIds: Int32Array.of(10, 11), completionIds: Int32Array.of(12, 13, 14), group: 0 };
  const { kernelNames, kernels } = await tf.profile(() => void learner.supervised([{ row }]));
  expect(kernelNames.length).toBeGreaterThan(0);
  const count = (name: string): number => kernels.filter((kernel) => kernel.name === name).length;
  const found = {
    adamW: count("VTriuneAdamW"),
    squares: count("VTriuneSumOfSquares"),
    trained: policy.parameters.length,
  };
  learner.dispose();
  policy.dispose();
  return found;
}

it.skipIf(skips)("a learner steps an adapter by what computes its policy", async () => {
  const { trained, ...unasked } = await kernelsOfUpdate("auto");
  expect(trained).toBe(2 * 2 * smallModelConfig.text.numLayers);
  // All tensors in one call each.
  expect(unasked).toEqual({ adamW: 1, squares: 1 });
  expect(await kernelsOfUpdate("kernels")).toEqual({ trained, ...unasked });
  expect(await kernelsOfUpdate("backend")).toEqual({ trained, adamW: 0, squares: 0 });
});
