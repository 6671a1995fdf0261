/**
 * Norms of queries and keys (arXiv 2010.04245; as Qwen3 has them, arXiv 2505.09388): each head goes through RMSNorm
 * with one weight for all query heads and one for all key heads, before the rotation. Values stay as they are.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { AttentionHeads } from "./attention-plan";
import type { HeadNorms } from "./head-norms";
import { rmsNorm } from "./rms-norm";
import { heap } from "./wasm/heap";
import { normHeadsOnHeap } from "./wasm/norm-heads";

/**
 * @param qkv queries, keys and values side by side, [N, (heads + 2 keyValueHeads) · headDim]
 * @returns the same shape
 */
export function normHeads(qkv: tf.Tensor2D, norms: HeadNorms, sizes: AttentionHeads): tf.Tensor2D {
  if (heap()) return normHeadsOnHeap(qkv, norms, sizes);
  const { heads, keyValueHeads, headDim } = sizes;
  const [rows] = qkv.shape;
  return tf.tidy(() => {
    const widths = [heads, keyValueHeads, keyValueHeads].map((count) => count * headDim);
    const [queries, keys, values] = tf.split(qkv, widths, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const norm = (x: tf.Tensor2D, weight: tf.Tensor1D): tf.Tensor2D =>
      tf.reshape(rmsNorm(tf.reshape(x, [-1, headDim]), weight, norms.epsilon), [rows, x.shape[1]]);
    return tf.concat2d([norm(queries, norms.query), norm(keys, norms.key), values], 1);
  });
}
