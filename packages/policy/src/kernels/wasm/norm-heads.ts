/** `normHeads` on the wasm heap. */
import * as tf from "@tensorflow/tfjs-core";
import type { AttentionHeads } from "../attention-plan";
import { isTrainable, withGradient } from "../custom-gradient";
import type { HeadNorms } from "../head-norms";
import { heap } from "./heap";

export function normHeadsOnHeap(
  qkv: tf.Tensor2D,
  { query, key, epsilon }: HeadNorms,
  { heads, keyValueHeads, headDim }: AttentionHeads,
): tf.Tensor2D {
  const host = heap()!;
  const [rows, width] = qkv.shape;
  const trained = [query, key].map(isTrainable);
  const inputs = [qkv, ...[query, key].filter((_, i) => trained[i])];
  return withGradient<tf.Tensor2D>(inputs, (save) => {
    const shapes = [
      [rows, width],
      [rows, heads + keyValueHeads],
    ];
    const [value, inverse] = host.run(shapes, (y, inverse) =>
      host.kernels.normHeads(
        host.address(qkv),
        host.address(query),
        host.address(key),
        rows,
        heads,
        keyValueHeads,
        headDim,
        epsilon,
        y!,
        inverse!,
      ),
    );
    save([qkv, inverse!]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [qkv, inverse]) =>
        host.run([[rows, width], ...trained.filter(Boolean).map(() => [headDim])], (dx, ...sums) => {
          for (const sum of sums) host.floats(sum, headDim).fill(0);
          host.kernels.normHeadsBackward(
            host.address(dy),
            host.address(qkv!),
            host.address(query),
            host.address(key),
            host.address(inverse!),
            rows,
            heads,
            keyValueHeads,
            headDim,
            dx!,
            trained[0] ? sums[0]! : 0,
            trained[1] ? sums.at(-1)! : 0,
          );
        }),
    };
  });
}
