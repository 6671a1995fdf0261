/** `attention` as one op beside TensorFlow, which keeps no probabilities and computes only what is seen. */
import * as tf from "@tensorflow/tfjs-core";
import type { AttentionHeads, AttentionPlan } from "../attention-plan";
import { withGradient } from "../custom-gradient";
import type { RotaryTable } from "../rotary";
import { runOwnOp } from "./own-ops";

export function attentionInOneOp(
  qkv: tf.Tensor2D,
  rotary: RotaryTable,
  plan: AttentionPlan,
  { heads, keyValueHeads, headDim }: AttentionHeads,
): tf.Tensor2D {
  const numbers = Int32Array.from([
    heads,
    keyValueHeads,
    headDim,
    ...plan.segments.flatMap(({ start, count, prefixStart, prefixCount, causal }) => [
      start,
      count,
      prefixStart,
      prefixCount,
      causal ? 1 : 0,
    ]),
  ]);
  return withGradient<tf.Tensor2D>([qkv], (save) => {
    const [out, turned, lse] = runOwnOp("Attention", [qkv, rotary.cos, rotary.sin, tf.tensor1d(numbers, "int32")], 3);
    save([turned!, out!, lse!, rotary.cos, rotary.sin]);
    return {
      value: out as tf.Tensor2D,
      gradient: (dy, saved) => runOwnOp("AttentionGradient", [dy, ...saved, tf.tensor1d(numbers, "int32")], 1),
    };
  });
}
