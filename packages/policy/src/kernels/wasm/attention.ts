/**
 * `attention` on the wasm heap: one kernel walks all segments, and probabilities are made again in the backward pass.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { AttentionHeads, AttentionPlan } from "../attention-plan";
import { withGradient } from "../custom-gradient";
import type { RotaryTable } from "../rotary";
import { heap } from "./heap";

export function attentionOnHeap(
  qkv: tf.Tensor2D,
  rotary: RotaryTable,
  plan: AttentionPlan,
  sizes: AttentionHeads,
): tf.Tensor2D {
  const host = heap()!;
  const { kernels } = host;
  const { heads, keyValueHeads, headDim } = sizes;
  const [rows, width] = qkv.shape;
  const scale = 1 / Math.sqrt(headDim);
  const segments = Int32Array.from(
    plan.segments.flatMap(({ start, count, prefixStart, prefixCount, causal }) => [
      start,
      count,
      prefixStart,
      prefixCount,
      causal ? 1 : 0,
    ]),
  );
  const count = plan.segments.length;
  const maxKeys = plan.segments.reduce((most, segment) => Math.max(most, segment.prefixCount + segment.count), 0);
  return withGradient<tf.Tensor2D>([qkv], (save) => {
    const scratch = host.scratch(kernels.attentionScratch(maxKeys, headDim));
    const [value, turned, lse] = host.run(
      [
        [rows, heads * headDim],
        [rows, width],
        [rows, heads],
      ],
      (out, turned, lse) => {
        kernels.rotateRows(
          host.address(qkv),
          turned!,
          rows,
          heads,
          keyValueHeads,
          headDim,
          host.address(rotary.cos),
          host.address(rotary.sin),
          1,
          scale,
        );
        host.withInts(segments, (at) =>
          kernels.attention(turned!, at, count, heads, keyValueHeads, headDim, maxKeys, out!, lse!, scratch),
        );
      },
    );
    save([turned!, value!, lse!, rotary.cos, rotary.sin]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, saved) => {
        const [turned, out, lse, cos, sin] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const scratch = host.scratch(kernels.attentionScratch(maxKeys, headDim));
        return host.run([[rows, width]], (dx) => {
          host.floats(dx!, rows * width).fill(0);
          host.withInts(segments, (at) =>
            kernels.attentionBackward(
              host.address(dy),
              host.address(turned),
              host.address(out),
              host.address(lse),
              at,
              count,
              heads,
              keyValueHeads,
              headDim,
              maxKeys,
              dx!,
              scratch,
            ),
          );
          kernels.rotateRows(
            dx!,
            dx!,
            rows,
            heads,
            keyValueHeads,
            headDim,
            host.address(cos),
            host.address(sin),
            -1,
            scale,
          );
        });
      },
    };
  });
}
