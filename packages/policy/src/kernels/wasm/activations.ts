/** `swiglu`, `gelu` and its approximations on the wasm heap. */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "../custom-gradient";
import { heap } from "./heap";

export function swigluOnHeap(packed: tf.Tensor2D): tf.Tensor2D {
  const host = heap()!;
  const [rows, width] = [packed.shape[0], packed.shape[1] / 2];
  return withGradient<tf.Tensor2D>([packed], (save) => {
    const [value] = host.run([[rows, width]], (y) => host.kernels.swiglu(host.address(packed), rows, width, y!));
    save([packed]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [packed]) =>
        host.run([[rows, 2 * width]], (dPacked) =>
          host.kernels.swigluBackward(host.address(dy), host.address(packed!), rows, width, dPacked!),
        ),
    };
  });
}

export function geluOnHeap(x: tf.Tensor2D): tf.Tensor2D {
  const host = heap()!;
  return withGradient<tf.Tensor2D>([x], (save) => {
    const [value] = host.run([x.shape], (y) => host.kernels.gelu(host.address(x), x.size, y!));
    save([x]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [x]) =>
        host.run([x!.shape], (dx) => host.kernels.geluBackward(host.address(dy), host.address(x!), x!.size, dx!)),
    };
  });
}

/** x σ(a x + b x³). */
export function sigmoidGeluOnHeap(x: tf.Tensor2D, a: number, b: number): tf.Tensor2D {
  const host = heap()!;
  return withGradient<tf.Tensor2D>([x], (save) => {
    const [value] = host.run([x.shape], (y) => host.kernels.sigmoidGelu(host.address(x), x.size, a, b, y!));
    save([x]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [x]) =>
        host.run([x!.shape], (dx) =>
          host.kernels.sigmoidGeluBackward(host.address(dy), host.address(x!), x!.size, a, b, dx!),
        ),
    };
  });
}
