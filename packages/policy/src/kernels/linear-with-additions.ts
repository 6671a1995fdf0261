/**
 * Linear layers with low-rank additions by ops of ours: y = x Wᵀ + b + u Bᵀ with u = s x Aᵀ, for layers over one input
 * side by side. Backward, with du = s dy B: dx = dy W + du A, dA = duᵀ x, dB = dyᵀ u. W and b are constants.
 *
 * The additions are made beside each row of the large product while it is in the cache. Kept for the backward pass are x
 * and u.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Matrix } from "./bfloat16-matrix";
import { withGradient } from "./custom-gradient";
import { backThrough, linear } from "./linear";
import type { LinearOptions } from "./linear-options";
import { runOwnOp } from "./native/own-ops";

/** A low-rank addition to one of the layers. */
interface Addition {
  /** [rank, in]. */
  readonly a: tf.Tensor2D;
  /** [out, rank]. */
  readonly b: tf.Tensor2D;
  readonly scale: number;
}

/** As many as the op takes (MOST_ADAPTERS of native/training/tasks.h). */
export const MOST_ADDITIONS = 4;

/**
 * @param x [N, in]
 * @param weights each [outᵢ, in]
 * @param biases each [outᵢ], or null
 * @param additions by weight; at least one, at most MOST_ADDITIONS
 * @returns [N, Σ outᵢ]
 */
export function linearWithAdditions(
  x: tf.Tensor2D,
  weights: readonly Matrix[],
  biases: readonly (tf.Tensor1D | null)[],
  additions: readonly (Addition | undefined)[],
  options: LinearOptions,
): tf.Tensor2D {
  let column = 0;
  const columns: number[] = [];
  weights.forEach(({ shape }, i) => {
    if (additions[i]) columns.push(column);
    column += shape[0];
  });
  const present = additions.filter((addition) => addition !== undefined);
  const scales = present.map(({ scale }) => scale);
  const matrices = present.flatMap(({ a, b }) => [a, b]);
  const places = (): tf.Tensor[] => [tf.tensor1d(columns, "int32"), tf.tensor1d(scales, "float32")];
  return withGradient<tf.Tensor2D>([x, ...matrices], (save) => {
    const base = linear(x, weights, biases, options);
    const [y, u] = runOwnOp("LowRank", [base, x, ...places()], 2, matrices);
    save([x, u!]);
    return {
      value: y as tf.Tensor2D,
      gradient: (dy, [x, u]) => {
        const base = backThrough(dy, weights, options);
        return runOwnOp("LowRankGradient", [dy, base, x!, u!, ...places()], 1 + matrices.length, matrices);
      },
    };
  });
}
