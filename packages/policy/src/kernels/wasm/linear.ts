/** `linear` on the wasm heap: the transposes are folded into packing, and nothing is concatenated. */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "../custom-gradient";
import type { LinearOptions } from "../linear-options";
import { heap } from "./heap";

export function linearOnHeap(
  x: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
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
  const trainable = weights.map((weight) => options.weightGradient ?? isTrainable(weight));
  const biasTrainable = biases.map((bias) => bias !== null && isTrainable(bias));
  const inputs: tf.Tensor[] = [
    ...(inputGradient ? [x] : []),
    ...weights.filter((_, i) => trainable[i]),
    ...biases.filter((bias, i): bias is tf.Tensor1D => bias !== null && biasTrainable[i]!),
  ];
  return withGradient<tf.Tensor2D>(inputs, (save) => {
    const [value] = host.run([[rows, total]], (y) => {
      if (options.value === false) return void host.floats(y!, rows * total).fill(0);
      weights.forEach((weight, i) => {
        const bias = biases[i];
        kernels.gemm(
          0,
          1,
          rows,
          widths[i]!,
          width,
          host.address(x),
          width,
          host.address(weight),
          width,
          y! + 4 * columns[i]!,
          total,
          bias ? host.address(bias) : 0,
          0,
          scratch,
        );
      });
    });
    save([x, ...weights]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [x, ...weights]) => {
        const scratch = host.scratch(kernels.gemmScratch());
        const from = host.address(dy);
        const trained = weights.flatMap((_, i) => (trainable[i] ? [i] : []));
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
            weights.forEach((weight, i) =>
              kernels.gemm(
                0,
                0,
                rows,
                width,
                widths[i]!,
                from + 4 * columns[i]!,
                total,
                host.address(weight),
                width,
                dx,
                width,
                0,
                i > 0 ? 1 : 0,
                scratch,
              ),
            );
          }
          for (const i of trained)
            kernels.gemm(
              1,
              0,
              widths[i]!,
              width,
              rows,
              from + 4 * columns[i]!,
              total,
              host.address(x!),
              width,
              out[next++]!,
              width,
              0,
              0,
              scratch,
            );
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
