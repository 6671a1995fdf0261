/** `rmsNorm` on the wasm heap. */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "../custom-gradient";
import { heap } from "./heap";

export function rmsNormOnHeap(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const host = heap()!;
  const [rows, width] = x.shape;
  const trainable = isTrainable(weight);
  return withGradient<tf.Tensor2D>(trainable ? [x, weight] : [x], (save) => {
    const [value, inverse] = host.run([[rows, width], [rows]], (y, inverse) =>
      host.kernels.rmsNorm(host.address(x), host.address(weight), rows, width, epsilon, y!, inverse!),
    );
    save([x, inverse!]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [x, inverse]) =>
        host.run([[rows, width], ...(trainable ? [[width]] : [])], (dx, dw) => {
          if (dw !== undefined) host.floats(dw, width).fill(0);
          host.kernels.rmsNormBackward(
            host.address(dy),
            host.address(x!),
            host.address(weight),
            host.address(inverse!),
            rows,
            width,
            dx!,
            dw ?? 0,
          );
        }),
    };
  });
}
