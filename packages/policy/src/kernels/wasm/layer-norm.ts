/** `layerNorm` on the wasm heap. */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "../custom-gradient";
import { heap } from "./heap";

export function layerNormOnHeap(x: tf.Tensor2D, weight: tf.Tensor1D, bias: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const host = heap()!;
  const [rows, width] = x.shape;
  const trained = [weight, bias].map(isTrainable);
  const inputs = [x, ...[weight, bias].filter((_, i) => trained[i])];
  return withGradient<tf.Tensor2D>(inputs, (save) => {
    const shapes = [
      [rows, width],
      [rows, 2],
    ];
    const [value, stats] = host.run(shapes, (y, stats) =>
      host.kernels.layerNorm(
        host.address(x),
        host.address(weight),
        host.address(bias),
        rows,
        width,
        epsilon,
        y!,
        stats!,
      ),
    );
    save([x, stats!]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [x, stats]) =>
        host.run([[rows, width], ...trained.filter(Boolean).map(() => [width])], (dx, ...sums) => {
          for (const sum of sums) host.floats(sum, width).fill(0);
          host.kernels.layerNormBackward(
            host.address(dy),
            host.address(x!),
            host.address(weight),
            host.address(stats!),
            rows,
            width,
            dx!,
            trained[0] ? sums[0]! : 0,
            trained[1] ? sums.at(-1)! : 0,
          );
        }),
    };
  });
}
