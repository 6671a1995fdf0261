/** `gatherRows` on the wasm heap. */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "../custom-gradient";
import { heap } from "./heap";
import { type HeapMatrix, isFloat32, matrixAddress } from "./heap-matrix";

export function gatherRowsOnHeap(x: HeapMatrix, index: Int32Array): tf.Tensor2D {
  const host = heap()!;
  const [rows, width] = x.shape;
  for (const row of index) if (row < -1 || row >= rows) throw new RangeError(`gatherRows: row ${row} of ${rows}`);
  return withGradient<tf.Tensor2D>(isFloat32(x) ? [x] : [], () => {
    const [value] = host.run([[index.length, width]], (y) =>
      host.withInts(index, (at) => host.kernels.gatherRows(matrixAddress(host, x), at, index.length, width, y!)),
    );
    return {
      value: value as tf.Tensor2D,
      gradient: (dy) =>
        host.run([[rows, width]], (dx) => {
          host.floats(dx!, rows * width).fill(0);
          host.withInts(index, (at) => host.kernels.scatterAddRows(host.address(dy), at, index.length, width, dx!));
        }),
    };
  });
}
