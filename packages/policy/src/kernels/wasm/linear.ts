/** `linear` on the wasm heap: the transposes are folded into packing, and nothing is concatenated. */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "../custom-gradient";
import type { LinearOptions } from "../linear-options";
import { heap } from "./heap";
import { type HeapMatrix, isFloat32, matrixAddress } from "./heap-matrix";
import { multiply } from "./matrix-product";

export function linearOnHeap(
  x: tf.Tensor2D,
  weights: readonly HeapMatrix[],
  biases: readonly (tf.Tensor1D | null)[],
  options: LinearOptions,
): tf.Tensor2D {
  const host = heap()!;
  const { kernels } = host;
  const scratch = host.scratch(kernels.gemmScratch());
  const [rows, width] = x.shape;
  const widths = weights.map((weight) => weight.shape[0]);
  const total = widths.reduce((sum, n) => sum + n, 0);
  const columns = widths.map((_, i) => widths.slice(0, i).reduce((sum, n) => sum + n, 0));
  const inputGradient = options.inputGradient ?? true;
  const trainable = weights.map((weight) => isFloat32(weight) && (options.weightGradient ?? isTrainable(weight)));
  const biasTrainable = biases.map((bias) => bias !== null && isTrainable(bias));
  const inputs: tf.Tensor[] = [
    ...(inputGradient ? [x] : []),
    ...weights.flatMap((weight, i) => (isFloat32(weight) && trainable[i] ? [weight] : [])),
    ...biases.filter((bias, i): bias is tf.Tensor1D => bias !== null && biasTrainable[i]!),
  ];
  return withGradient<tf.Tensor2D>(inputs, (save) => {
    const [value] = host.run([[rows, total]], (y) => {
      if (options.value === false) return void host.floats(y!, rows * total).fill(0);
      weights.forEach((weight, i) => {
        const bias = biases[i];
        multiply(kernels, {
          shape: [rows, width, widths[i]!],
          left: { address: host.address(x), stride: width },
          right: { address: matrixAddress(host, weight), stride: width, transposed: true },
          out: { address: y! + 4 * columns[i]!, stride: total },
          bias: bias ? host.address(bias) : 0,
          scratch,
        });
      });
    });
    const states = trainable.some(Boolean) ? [x] : [];
    save([...states, ...weights.filter(isFloat32)]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, saved) => {
        const [x] = saved;
        const kept = saved.slice(states.length).values() as Iterator<tf.Tensor2D>;
        const again = weights.map((weight) => (isFloat32(weight) ? kept.next().value! : weight));
        const scratch = host.scratch(kernels.gemmScratch());
        const from = host.address(dy);
        const trained = again.flatMap((_, i) => (trainable[i] ? [i] : []));
        const biased = biases.flatMap((_, i) => (biasTrainable[i] ? [i] : []));
        const shapes = [
          ...(inputGradient ? [[rows, width]] : []),
          ...trained.map((i) => [widths[i]!, width]),
          ...biased.map((i) => [widths[i]!]),
        ];
        return host.run(shapes, (...out) => {
          let next = 0;
          if (inputGradient) {
            const dx = out[next++]!;
            again.forEach((weight, i) =>
              multiply(kernels, {
                shape: [rows, widths[i]!, width],
                left: { address: from + 4 * columns[i]!, stride: total },
                right: { address: matrixAddress(host, weight), stride: width },
                out: { address: dx, stride: width },
                accumulate: i > 0,
                scratch,
              }),
            );
          }
          for (const i of trained)
            multiply(kernels, {
              shape: [widths[i]!, rows, width],
              left: { address: from + 4 * columns[i]!, stride: total, transposed: true },
              right: { address: host.address(x!), stride: width },
              out: { address: out[next++]!, stride: width },
              scratch,
            });
          for (const i of biased) {
            const db = out[next++]!;
            host.floats(db, widths[i]!).fill(0);
            kernels.sumRows(from + 4 * columns[i]!, rows, widths[i]!, total, db);
          }
        });
      },
    };
  });
}
