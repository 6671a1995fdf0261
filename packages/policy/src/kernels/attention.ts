/**
 * Scaled dot-product attention over packed sequences, with rotary embedding and grouped queries (arXiv 2305.13245):
 * o = softmax(q kᵀ / √d) v, each row over the rows its plan lets it see.
 *
 * Backward, with P the probabilities: dv = Pᵀ do, dP = do vᵀ, dS = P · (dP - Σ dP · P), dq = dS k / √d, dk = dSᵀ q /
 * √d.
 *
 * Three ways to compute the same: one kernel that walks the segments, on wasm (./wasm/attention) or as an op of ours beside
 * TensorFlow (./native/attention); elsewhere segments are padded into a few batches of dense blocks, as every op costs more
 * than the padding.
 */
import * as tf from "@tensorflow/tfjs-core";
import { attentionBuckets, type AttentionBucket, type AttentionHeads, type AttentionPlan } from "./attention-plan";
import { withGradient } from "./custom-gradient";
import { gatherRows } from "./gather-rows";
import { attentionInOneOp } from "./native/attention";
import { rotate, type RotaryTable } from "./rotary";
import { attentionOnHeap } from "./wasm/attention";
import { heap } from "./wasm/heap";

/**
 * @param qkv queries, keys and values side by side before rotation, [N, (heads + 2 keyValueHeads) · headDim]
 * @param inOneOp by an op of ours beside TensorFlow (`ModelWeights.inOneOp`)
 * @returns [N, heads · headDim]
 */
export function attention(
  qkv: tf.Tensor2D,
  rotary: RotaryTable,
  plan: AttentionPlan,
  sizes: AttentionHeads,
  inOneOp = false,
): tf.Tensor2D {
  if (heap()) return attentionOnHeap(qkv, rotary, plan, sizes);
  if (inOneOp) return attentionInOneOp(qkv, rotary, plan, sizes);
  return tf.tidy(() => {
    const { heads, keyValueHeads, headDim } = sizes;
    const split = (heads + keyValueHeads) * headDim;
    const turned = rotate(tf.slice2d(qkv, [0, 0], [-1, split]), rotary, headDim);
    const queries = scaled(tf.slice2d(turned, [0, 0], [-1, heads * headDim]), 1 / Math.sqrt(headDim));
    const keys = tf.slice2d(turned, [0, heads * headDim], [-1, -1]);
    const values = tf.slice2d(qkv, [0, split], [-1, -1]);

    const place = new Int32Array(plan.rows);
    const parts: tf.Tensor2D[] = [];
    let done = 0;
    for (const bucket of attentionBuckets(plan)) {
      parts.push(attendBucket(queries, keys, values, bucket, sizes));
      bucket.queryRows.forEach((row, i) => row >= 0 && (place[row] = done + i));
      done += bucket.queryRows.length;
    }
    return gatherRows(parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0), place);
  });
}

/** x · factor, without keeping x for the backward pass as tf.mul does. */
function scaled(x: tf.Tensor2D, factor: number): tf.Tensor2D {
  return withGradient<tf.Tensor2D>([x], () => ({
    value: tf.mul(x, factor),
    gradient: (dy) => [tf.mul(dy, factor)],
  }));
}

function attendBucket(
  queries: tf.Tensor2D,
  keys: tf.Tensor2D,
  values: tf.Tensor2D,
  bucket: AttentionBucket,
  sizes: AttentionHeads,
): tf.Tensor2D {
  const { heads, keyValueHeads, headDim } = sizes;
  const { units, queryCount, keyCount } = bucket;
  const repeats = heads / keyValueHeads;
  // [rows, heads · d] → [units · kv heads, rows (· repeats), d]
  const spread = (x: tf.Tensor2D, rows: Int32Array, count: number, width: number): tf.Tensor3D =>
    tf.reshape(tf.transpose(tf.reshape(gatherRows(x, rows), [units, count, width, headDim]), [0, 2, 1, 3]), [
      units * keyValueHeads,
      (width / keyValueHeads) * count,
      headDim,
    ]);
  const mask = bucket.mask && tf.tile(tf.tensor4d(bucket.mask, [units, 1, queryCount, keyCount]), [1, 1, repeats, 1]);
  const out = attendDense(
    spread(queries, bucket.queryRows, queryCount, heads),
    spread(keys, bucket.keyRows, keyCount, keyValueHeads),
    spread(values, bucket.keyRows, keyCount, keyValueHeads),
    mask,
  );
  return tf.reshape(tf.transpose(tf.reshape(out, [units, heads, queryCount, headDim]), [0, 2, 1, 3]), [
    units * queryCount,
    heads * headDim,
  ]);
}

/**
 * Probabilities of one bucket that are kept for the backward pass; more are computed again there. They grow with the
 * square of the length: at 4,096 tokens of a model of 135 M parameters they took about half of the memory.
 */
const KEPT_ELEMENTS = 1 << 22;

/** @param q scaled, [B, Q, d]; k, v [B, K, d]; mask [units, 1, Q, K], broadcast over the heads of a unit */
function attendDense(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, mask: tf.Tensor4D | undefined): tf.Tensor3D {
  return withGradient<tf.Tensor3D>([q, k, v], (save) => {
    const probabilities = softmaxScores(q, k, mask);
    const keep = probabilities.size <= KEPT_ELEMENTS;
    save([q, k, v, ...(keep ? [probabilities] : mask ? [mask] : [])]);
    return {
      value: tf.matMul(probabilities, v) as tf.Tensor3D,
      gradient: (dy, [q, k, v, last]) => {
        const p = keep ? last! : softmaxScores(q as tf.Tensor3D, k as tf.Tensor3D, last as tf.Tensor4D | undefined);
        const weighted = tf.mul(p, tf.matMul(dy, v!, false, true));
        const dScores = tf.sub(weighted, tf.mul(p, tf.sum(weighted, -1, true)));
        return [tf.matMul(dScores, k!), tf.matMul(dScores, q!, true, false), tf.matMul(p, dy, true, false)];
      },
    };
  });
}

function softmaxScores(q: tf.Tensor3D, k: tf.Tensor3D, mask: tf.Tensor4D | undefined): tf.Tensor3D {
  return tf.tidy(() => {
    const scores = tf.matMul(q, k, false, true) as tf.Tensor3D;
    if (!mask) return tf.softmax(scores);
    const [batch, rows, columns] = scores.shape;
    const units = mask.shape[0];
    return tf.softmax(
      tf.reshape(tf.add(tf.reshape(scores, [units, batch / units, rows, columns]), mask), [
        batch,
        rows,
        columns,
      ]) as tf.Tensor3D,
    );
  });
}
