/** Gradients of the kernels that move numbers without computing: reshape, transpose, pieces, gather. */
import * as tf from "@tensorflow/tfjs-core";
import { sumToShape } from "./sum-to-shape";

/** A kernel of one input x whose gradient only needs x's shape. */
function moving(
  kernelName: string,
  inputName: string,
  back: (dy: tf.Tensor, x: tf.Tensor, attributes: never) => tf.Tensor,
): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: [inputName],
    gradFunc: (dy, saved, attributes) => ({
      [inputName]: () => back(dy as tf.Tensor, saved[0] as tf.Tensor, attributes as never),
    }),
  };
}

/** Rows of one-hot products handled at once where the backend cannot scatter: bounds the one-hot matrix to 16 MiB. */
const ONE_HOT_ELEMENTS = 1 << 22;

/**
 * Sums rows into the rows of a table: out[indices[i]] += rows[i]. The gradient of a lookup.
 * UnsortedSegmentSum where the backend has it; else one-hot products in blocks (tfjs-backend-wasm).
 *
 * @param rows [N, D]
 * @param indices [N], int32
 * @returns [count, D]
 */
export function scatterRows(rows: tf.Tensor2D, indices: tf.Tensor1D, count: number): tf.Tensor2D {
  if (tf.getKernel("UnsortedSegmentSum", tf.getBackend()) !== undefined) {
    return tf.unsortedSegmentSum(rows, indices, count) as tf.Tensor2D;
  }
  const [total] = rows.shape;
  const block = Math.max(1, Math.floor(ONE_HOT_ELEMENTS / count));
  let sum: tf.Tensor2D | undefined;
  for (let start = 0; start < total; start += block) {
    const size = Math.min(block, total - start);
    const oneHot = tf.cast(tf.oneHot(tf.slice(indices, start, size), count), "float32") as tf.Tensor2D;
    const part: tf.Tensor2D = tf.matMul(tf.transpose(oneHot), tf.slice(rows, [start, 0], [size, -1]));
    sum = sum === undefined ? part : tf.add<tf.Tensor2D>(sum, part);
  }
  return sum ?? tf.zeros([count, rows.shape[1]]);
}

function gatherGradient(dy: tf.Tensor, x: tf.Tensor, indices: tf.Tensor, axis: number): tf.Tensor {
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const count = x.shape[axis] ?? 0;
  const [outer, inner] = [before, after].map((shape) => shape.reduce((all, size) => all * size, 1)) as [number, number];
  // [before, indices, after] → [indices, before · after]
  const rows = tf.reshape(tf.transpose(tf.reshape(dy, [outer, indices.size, inner]), [1, 0, 2]), [
    indices.size,
    outer * inner,
  ]);
  const table = scatterRows(rows as tf.Tensor2D, tf.reshape(indices, [-1]), count);
  return tf.reshape(tf.transpose(tf.reshape(table, [count, outer, inner]), [1, 0, 2]), x.shape);
}

/** One entry per kernel. */
export const LAYOUT_GRADIENTS: readonly tf.GradConfig[] = [
  moving("Reshape", "x", (dy, x) => tf.reshape(dy, x.shape)),
  moving("ExpandDims", "input", (dy, x) => tf.reshape(dy, x.shape)),
  moving("BroadcastTo", "x", (dy, x) => sumToShape(dy, x.shape)),
  moving("Transpose", "x", (dy, x, { perm }: { perm: readonly number[] }) => {
    const inverse = x.shape.map((_, axis) => perm.indexOf(axis));
    return tf.transpose(dy, inverse);
  }),
  moving("Reverse", "x", (dy, _, { dims }: { dims: number | number[] }) => tf.reverse(dy, dims)),
  moving("Slice", "x", (dy, x, { begin }: { begin: number | readonly number[] }) => {
    const starts = typeof begin === "number" ? [begin] : begin;
    const paddings = x.shape.map((size, axis): [number, number] => {
      const start = starts[axis] ?? 0;
      return [start, size - start - (dy.shape[axis] ?? 0)];
    });
    return tf.pad(dy, paddings);
  }),
  moving("PadV2", "x", (dy, x, { paddings }: { paddings: readonly (readonly [number, number])[] }) =>
    tf.slice(
      dy,
      paddings.map(([start]) => start),
      x.shape,
    ),
  ),
  moving("Tile", "x", (dy, x, { reps }: { reps: readonly number[] }) => {
    const apart = x.shape.flatMap((size, axis) => [reps[axis] ?? 1, size]);
    const repeats = x.shape.map((_, axis) => 2 * axis);
    return tf.reshape(tf.sum(tf.reshape(dy, apart), repeats), x.shape);
  }),
  {
    kernelName: "Concat",
    saveAllInputs: true,
    gradFunc: (dy, saved, attributes) => {
      const { axis } = attributes as unknown as { axis: number };
      const along = axis < 0 ? axis + (dy as tf.Tensor).rank : axis;
      const pieces = tf.split(
        dy as tf.Tensor,
        saved.map(({ shape }) => shape[along] ?? 0),
        along,
      );
      return Object.fromEntries(pieces.map((piece, i) => [String(i), () => piece]));
    },
  },
  {
    kernelName: "Pack",
    saveAllInputs: true,
    gradFunc: (dy, _, attributes) => {
      const pieces = tf.unstack(dy as tf.Tensor, (attributes as unknown as { axis: number }).axis);
      return Object.fromEntries(pieces.map((piece, i) => [String(i), () => piece]));
    },
  },
  {
    kernelName: "Unpack",
    gradFunc: (dy, _, attributes) => ({
      value: () => tf.stack(dy as unknown as tf.Tensor[], (attributes as unknown as { axis: number }).axis),
    }),
  },
  {
    kernelName: "SplitV",
    gradFunc: (dy, _, attributes) => ({
      x: () => tf.concat(dy as unknown as tf.Tensor[], (attributes as unknown as { axis: number }).axis),
    }),
  },
  {
    kernelName: "GatherV2",
    inputsToSave: ["x", "indices"],
    gradFunc: (dy, saved, attributes) => {
      const [x, indices] = saved as [tf.Tensor, tf.Tensor];
      const { axis, batchDims } = attributes as unknown as { axis: number; batchDims?: number };
      if (batchDims !== undefined && batchDims !== 0)
        throw new RangeError(`The gradient of gather is not defined for batchDims ${batchDims}; use 0.`);
      return {
        x: () => gatherGradient(dy as tf.Tensor, x, indices, axis < 0 ? axis + x.rank : axis),
        indices: () => tf.zerosLike(indices),
      };
    },
  },
  {
    kernelName: "UnsortedSegmentSum",
    inputsToSave: ["segmentIds"],
    gradFunc: (dy, saved) => ({ x: () => tf.gather(dy as tf.Tensor, saved[0] as tf.Tensor) }),
  },
];
