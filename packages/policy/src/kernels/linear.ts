/**
 * y = x [W₁ᵀ | W₂ᵀ | ..] + [b₁ | b₂ | ..]: several linear layers over the same input in one product (q, k, v; gate,
 * up). Weights are in checkpoint layout, [out, in]. Backward: dx = dy W, dW = dyᵀ x, db = Σ dy. Frozen weights are left
 * out. Those in bfloat16 are widened for each product, and again for the backward pass: no float32 copy stays.
 */
import * as tf from "@tensorflow/tfjs-core";
import { asFloat32, Bfloat16Matrix, freeCopy, type Matrix } from "./bfloat16-matrix";
import { isTrainable, withGradient } from "./custom-gradient";
import type { LinearOptions } from "./linear-options";
import { hasOwnOps, joinRows, MOST_JOINED, oneDnnProduct, runOwnOp } from "./native/own-ops";
import { heap } from "./wasm/heap";
import { linearOnHeap } from "./wasm/linear";

/**
 * @param x [N, in]
 * @param weights each [outᵢ, in]
 * @param biases each [outᵢ], or null; as many as weights
 * @returns [N, Σ outᵢ]
 */
export function linear(
  x: tf.Tensor2D,
  weights: readonly Matrix[],
  biases: readonly (tf.Tensor1D | null)[],
  options: LinearOptions = {},
): tf.Tensor2D {
  if (heap()) return linearOnHeap(x, weights, biases, options);
  const trainable = weights.map((weight) => tensorOf(weight) && (options.weightGradient ?? isTrainable(weight)));
  const inputGradient = options.inputGradient ?? true;
  const biasTrainable = biases.map((bias) => bias !== null && isTrainable(bias));
  const inputs: tf.Tensor[] = [
    ...(inputGradient ? [x] : []),
    ...weights.filter((weight, i): weight is tf.Tensor2D => tensorOf(weight) && trainable[i]!),
    ...biases.filter((bias, i): bias is tf.Tensor1D => bias !== null && biasTrainable[i]!),
  ];
  const widths = weights.map((weight) => weight.shape[0]);
  // Several weights are joined before the product or their results after it, whichever is less to copy.
  const joined = weights.length > 1 && x.shape[0] > x.shape[1];
  const pieces = (values: tf.Tensor, axis: number): tf.Tensor[] =>
    weights.length === 1 ? [values] : tf.split(values, widths, axis);
  const ownOps = options.oneDnn ?? false;
  const multiply = ownOps ? oneDnnProduct : tf.matMul<tf.Tensor2D>;
  const product = (factor: tf.Tensor2D): tf.Tensor2D =>
    options.weightFirst
      ? tf.tidy(() => tf.transpose(tf.matMul(factor, x, false, true)))
      : multiply(x, factor, false, true);
  return withGradient<tf.Tensor2D>(inputs, (save) => {
    let value =
      options.value === false
        ? tf.zeros<tf.Rank.R2>([x.shape[0], widths.reduce((a, b) => a + b, 0)])
        : side(mapFactors(weights, joined, product));
    if (biases.some((bias) => bias !== null)) {
      const bias = tf.concat1d(biases.map((bias, i) => bias ?? tf.zeros([widths[i]!])));
      value = ownOps ? (runOwnOp("AddRow", [value, bias], 1)[0] as tf.Tensor2D) : tf.add(value, bias);
    }
    // The weights themselves, which lie in memory anyway, and not their copy side by side; x for the weights' gradients.
    const states = trainable.some(Boolean) ? [x] : [];
    save([...states, ...weights.filter(tensorOf)]);
    return {
      value,
      gradient: (dy, saved) => {
        const [x] = saved;
        const kept = saved.slice(states.length).values() as Iterator<tf.Tensor2D>;
        const again = weights.map((weight) => (tensorOf(weight) ? kept.next().value! : weight));
        const out: tf.Tensor[] = [];
        const parts = joined ? [dy] : (pieces(dy, 1) as tf.Tensor2D[]);
        if (inputGradient) out.push(throughFactors(parts, again, joined, multiply));
        if (trainable.some(Boolean)) {
          const all = joined
            ? pieces(multiply(dy, x as tf.Tensor2D, true, false), 0)
            : parts.map((part) => multiply(part, x as tf.Tensor2D, true, false));
          out.push(...all.filter((_, i) => trainable[i]));
        }
        if (biasTrainable.some(Boolean)) {
          const sums = ownOps ? runOwnOp("ColumnSums", [dy], 1)[0]! : tf.sum(dy, 0);
          out.push(...pieces(sums, 0).filter((_, i) => biasTrainable[i]));
        }
        return out;
      },
    };
  });
}

/**
 * dx = dy W of layers side by side, off the tape.
 *
 * @param dy [N, Σ outᵢ]
 * @param weights each [outᵢ, in]
 */
export function backThrough(dy: tf.Tensor2D, weights: readonly Matrix[], { oneDnn }: LinearOptions): tf.Tensor2D {
  const joined = weights.length > 1 && dy.shape[0] > weights[0]!.shape[1];
  const widths = weights.map(({ shape }) => shape[0]);
  const parts = joined || weights.length === 1 ? [dy] : (tf.split(dy, widths, 1) as tf.Tensor2D[]);
  return throughFactors(parts, weights, joined, oneDnn ? oneDnnProduct : tf.matMul<tf.Tensor2D>);
}

/** Σ dyᵢ Wᵢ. */
function throughFactors(
  parts: readonly tf.Tensor2D[],
  weights: readonly Matrix[],
  joined: boolean,
  multiply: typeof oneDnnProduct,
): tf.Tensor2D {
  return tf.addN(mapFactors(weights, joined, (factor, i) => multiply(parts[i]!, factor, false, false)));
}

function tensorOf(weight: Matrix): weight is tf.Tensor2D {
  return !(weight instanceof Bfloat16Matrix);
}

/** Products with each weight, or with all of them joined; one float32 copy is there at a time. */
function mapFactors(
  weights: readonly Matrix[],
  joined: boolean,
  product: (factor: tf.Tensor2D, index: number) => tf.Tensor2D,
): tf.Tensor2D[] {
  if (joined) return [tf.tidy(() => product(below(weights.map(asFloat32)), 0))];
  return weights.map((weight, i) => {
    const factor = asFloat32(weight);
    const result = product(factor, i);
    freeCopy(weight, factor);
    return result;
  });
}

/** Matrices one below the other. Copied by our op where there is one: it takes all threads, and the bits are the same. */
function below(parts: tf.Tensor2D[]): tf.Tensor2D {
  return hasOwnOps() && parts.length <= MOST_JOINED ? joinRows(parts) : tf.concat2d(parts, 0);
}

function side(parts: tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 1);
}
