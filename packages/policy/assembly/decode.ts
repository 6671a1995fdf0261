/**
 * One step of generation: the newest token of each row through the whole language model (src/model/language-model.ts).
 * Rows do not meet, so several threads may each take some of them.
 *
 * `model` is int32: hidden, intermediate, heads, key heads, head size, vocabulary, layers, epsilon (a float32), and the
 * addresses of embedding, final norm and packed head; then for each layer those of its first norm, of weight and bias
 * of qkv, output, gate and up, down, of its second norm, and of the norms of queries and keys. Weights are packed by
 * `packWeights` or `packHalves` (an odd address); an odd address of the embedding says that its rows are bfloat16; bias
 * or norm 0: none.
 *
 * `rows` is six int32 a row: token, prompt's cache, its length, row's own cache, its length, its capacity. A cache
 * holds [layers][capacity][2 key heads · head size], keys rotated; a prompt's capacity is its length.
 */
import { decodeAttention, ROW_BYTES, rotateRows } from "./attention";
import { gemmPacked } from "./gemm";
import { normHeads, rmsNorm, swiglu, widen } from "./rows";

const HEADER_BYTES: usize = 44;
const LAYER_BYTES: usize = 48;

@inline function word(address: usize, index: i32): i32 {
  return i32.load(address + (<usize>index << 2));
}

/** Floats of scratch for `count` rows with at most `longest` keys. */
export function decodeScratch(model: usize, count: i32, longest: i32): i32 {
  const heads = word(model, 2);
  const keyHeads = word(model, 3);
  return count * (2 * word(model, 0) + (2 * heads + 2 * keyHeads) * word(model, 4) + 3 * word(model, 1) + heads + keyHeads) + longest;
}

/** The token's row of the embedding. */
function embed(table: usize, token: i32, hidden: i32, out: usize): void {
  const at = <usize>token * <usize>hidden;
  if ((table & 1) == 0) {
    memory.copy(out, table + (at << 2), <usize>hidden << 2);
    return;
  }
  widen(table - 1 + (at << 1), hidden, out);
}

/** Writes logits [count, vocabulary] of the tokens that follow. `cos`, `sin`: [count, head size / 2]. */
export function decodeStep(model: usize, rows: usize, count: i32, cos: usize, sin: usize, logits: usize, scratch: usize): void {
  const hidden = word(model, 0);
  const intermediate = word(model, 1);
  const heads = word(model, 2);
  const keyHeads = word(model, 3);
  const headDim = word(model, 4);
  const vocabulary = word(model, 5);
  const layers = word(model, 6);
  const epsilon = f32.load(model, 28);
  const qkvWidth = (heads + 2 * keyHeads) * headDim;
  const scale: f32 = 1 / sqrt<f32>(<f32>headDim);

  const x = scratch;
  const normal = x + (<usize>(count * hidden) << 2);
  const qkv = normal + (<usize>(count * hidden) << 2);
  const attended = qkv + (<usize>(count * qkvWidth) << 2);
  const packed = attended + (<usize>(count * heads * headDim) << 2);
  const inner = packed + (<usize>(2 * count * intermediate) << 2);
  const inverse = inner + (<usize>(count * intermediate) << 2);
  const scores = inverse + (<usize>(count * (heads + keyHeads)) << 2);

  for (let row = 0; row < count; row++) embed(<usize>word(model, 8), i32.load(rows + <usize>row * ROW_BYTES), hidden, x + (<usize>(row * hidden) << 2));
  for (let i = 0; i < layers; i++) {
    const layer = model + HEADER_BYTES + <usize>i * LAYER_BYTES;
    rmsNorm(x, word(layer, 0), count, hidden, epsilon, normal, inverse);
    gemmPacked(count, qkvWidth, hidden, normal, hidden, word(layer, 1), qkv, qkvWidth, word(layer, 2), 0);
    if (word(layer, 10) != 0) normHeads(qkv, word(layer, 10), word(layer, 11), count, heads, keyHeads, headDim, epsilon, qkv, inverse);
    rotateRows(qkv, qkv, count, heads, keyHeads, headDim, cos, sin, 1, scale);
    decodeAttention(qkv, rows, count, i, heads, keyHeads, headDim, attended, scores);
    gemmPacked(count, hidden, heads * headDim, attended, heads * headDim, word(layer, 3), x, hidden, word(layer, 4), 1);
    rmsNorm(x, word(layer, 9), count, hidden, epsilon, normal, inverse);
    gemmPacked(count, 2 * intermediate, hidden, normal, hidden, word(layer, 5), packed, 2 * intermediate, word(layer, 6), 0);
    swiglu(packed, count, intermediate, inner);
    gemmPacked(count, hidden, intermediate, inner, intermediate, word(layer, 7), x, hidden, word(layer, 8), 1);
  }
  rmsNorm(x, word(model, 9), count, hidden, epsilon, normal, inverse);
  gemmPacked(count, vocabulary, hidden, normal, hidden, word(model, 10), logits, vocabulary, 0, 0);
}
