/**
 * Attention over packed sequences, forward, backward and for one new token a row. Formulas are in
 * src/kernels/attention.ts.
 *
 * A plan is five int32 a segment: start, count, prefixStart, prefixCount, causal. Queries go through in blocks of QB
 * rows; only keys that a block can see are touched, so a causal sequence costs half a square. Probabilities are not
 * kept: the backward pass makes them again from the log-sum-exp of each row (FlashAttention-2, arXiv 2307.08691).
 */
import { gemm, gemmPacked, packWeights, packedSize, gemmScratch } from "./gemm";
import { exp4, exp1, sum4, max4, log1 } from "./math";
import { addInto } from "./rows";

/** Queries in a block. */
const QB: i32 = 64;
/** A row's descriptor in `decodeStep`: six int32. */
export const ROW_BYTES: usize = 24;

@inline function at(base: usize, index: i32): usize {
  return base + (<usize>index << 2);
}

/** Turns one head by its angles: (a, b) → (a cos ∓ b sin, b cos ± a sin), times `scale`. `from` may be `to`. */
function turn(from: usize, to: usize, half: i32, cos: usize, sin: usize, direction: f32, scale: f32): void {
  const bytes = <usize>half << 2;
  const vectors = (<usize>(half & ~3)) << 2;
  const d = f32x4.splat(direction);
  const s = f32x4.splat(scale);
  let i: usize = 0;
  for (; i < vectors; i += 16) {
    const a = f32x4.mul(v128.load(from + i), s);
    const b = f32x4.mul(v128.load(from + bytes + i), s);
    const c = v128.load(cos + i);
    const t = f32x4.mul(v128.load(sin + i), d);
    v128.store(to + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, t)));
    v128.store(to + bytes + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, t)));
  }
  for (; i < bytes; i += 4) {
    const a = f32.load(from + i) * scale;
    const b = f32.load(from + bytes + i) * scale;
    const c = f32.load(cos + i);
    const t = f32.load(sin + i) * direction;
    f32.store(to + i, a * c - b * t);
    f32.store(to + bytes + i, b * c + a * t);
  }
}

/**
 * Rotates queries and keys of packed rows and scales the queries by `scale`; values are copied. With `direction` -1 it
 * is the backward pass of the same. `from` may be `to`.
 */
export function rotateRows(from: usize, to: usize, rows: i32, heads: i32, keyHeads: i32, headDim: i32, cos: usize, sin: usize, direction: f32, scale: f32): void {
  const half = headDim >> 1;
  const head = <usize>headDim << 2;
  const valueBytes = <usize>keyHeads * head;
  for (let row = 0; row < rows; row++) {
    for (let h = 0; h < heads; h++) {
      turn(from, to, half, cos, sin, direction, scale);
      from += head;
      to += head;
    }
    for (let h = 0; h < keyHeads; h++) {
      turn(from, to, half, cos, sin, direction, 1);
      from += head;
      to += head;
    }
    if (from != to) memory.copy(to, from, valueBytes);
    from += valueBytes;
    to += valueBytes;
    cos += <usize>half << 2;
    sin += <usize>half << 2;
  }
}

/** Copies `count` heads that lie `stride` floats apart into consecutive rows. */
function copyHeads(from: usize, stride: i32, count: i32, headDim: i32, to: usize): void {
  const bytes = <usize>headDim << 2;
  for (let i = 0; i < count; i++) {
    memory.copy(to, from, bytes);
    from += <usize>stride << 2;
    to += bytes;
  }
}

/** The reverse, adding. */
function addHeads(from: usize, count: i32, headDim: i32, to: usize, stride: i32): void {
  for (let i = 0; i < count; i++) {
    addInto(to, from, headDim);
    from += <usize>headDim << 2;
    to += <usize>stride << 2;
  }
}

/** softmax in place over the first `visible` of `width`; the rest becomes 0. Returns the log-sum-exp. */
function softmaxRow(x: usize, visible: i32, width: i32): f32 {
  const bytes = <usize>visible << 2;
  const vectors = (<usize>(visible & ~3)) << 2;
  let most = f32.load(x);
  let i: usize = 0;
  if (vectors > 0) {
    let m = v128.load(x);
    for (; i < vectors; i += 16) m = f32x4.max(m, v128.load(x + i));
    most = max4(m);
  }
  for (; i < bytes; i += 4) most = max(most, f32.load(x + i));
  const m = f32x4.splat(most);
  let sum = f32x4.splat(0);
  for (i = 0; i < vectors; i += 16) {
    const e = exp4(f32x4.sub(v128.load(x + i), m));
    v128.store(x + i, e);
    sum = f32x4.add(sum, e);
  }
  let total = sum4(sum);
  for (; i < bytes; i += 4) {
    const e = exp1(f32.load(x + i) - most);
    f32.store(x + i, e);
    total += e;
  }
  const scale: f32 = 1 / total;
  const s = f32x4.splat(scale);
  for (i = 0; i < vectors; i += 16) v128.store(x + i, f32x4.mul(v128.load(x + i), s));
  for (; i < bytes; i += 4) f32.store(x + i, f32.load(x + i) * scale);
  if (width > visible) memory.fill(x + bytes, 0, <usize>(width - visible) << 2);
  return most + log1(total);
}

/** exp(x - lse) over the first `visible` of `width`, 0 after. */
function probabilitiesRow(x: usize, visible: i32, width: i32, lse: f32): void {
  const bytes = <usize>visible << 2;
  const vectors = (<usize>(visible & ~3)) << 2;
  const l = f32x4.splat(lse);
  let i: usize = 0;
  for (; i < vectors; i += 16) v128.store(x + i, exp4(f32x4.sub(v128.load(x + i), l)));
  for (; i < bytes; i += 4) f32.store(x + i, exp1(f32.load(x + i) - lse));
  if (width > visible) memory.fill(x + bytes, 0, <usize>(width - visible) << 2);
}

@inline function dot(a: usize, b: usize, count: i32): f32 {
  const bytes = <usize>count << 2;
  const vectors = (<usize>(count & ~3)) << 2;
  let sum = f32x4.splat(0);
  let i: usize = 0;
  for (; i < vectors; i += 16) sum = f32x4.add(sum, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  let total = sum4(sum);
  for (; i < bytes; i += 4) total += f32.load(a + i) * f32.load(b + i);
  return total;
}

/** dS = P (dP - delta), into dP. */
function scoreGradientRow(p: usize, dp: usize, width: i32, delta: f32): void {
  const bytes = <usize>width << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  const d = f32x4.splat(delta);
  let i: usize = 0;
  for (; i < vectors; i += 16) v128.store(dp + i, f32x4.mul(v128.load(p + i), f32x4.sub(v128.load(dp + i), d)));
  for (; i < bytes; i += 4) f32.store(dp + i, f32.load(p + i) * (f32.load(dp + i) - delta));
}

/** Floats of scratch for either pass, with at most `keys` keys to a query. */
export function attentionScratch(keys: i32, headDim: i32): i32 {
  const packed = max(packedSize(headDim, keys), packedSize(keys, headDim));
  return gemmScratch() + 4 * keys * headDim + 3 * packed + 2 * QB * keys;
}

/** `turned`: rows after `rotateRows`. Writes out [rows, heads · headDim] and lse [rows, heads]. */
export function attention(turned: usize, segments: usize, segmentCount: i32, heads: i32, keyHeads: i32, headDim: i32, maxKeys: i32, out: usize, lse: usize, scratch: usize): void {
  pass(0, turned, out, lse, segments, segmentCount, heads, keyHeads, headDim, maxKeys, 0, scratch);
}

/** The gradient of the rotated, scaled rows, into dTurned (zeroed by the caller). */
export function attentionBackward(dOut: usize, turned: usize, out: usize, lse: usize, segments: usize, segmentCount: i32, heads: i32, keyHeads: i32, headDim: i32, maxKeys: i32, dTurned: usize, scratch: usize): void {
  pass(dOut, turned, out, lse, segments, segmentCount, heads, keyHeads, headDim, maxKeys, dTurned, scratch);
}

/** Either pass over all blocks of queries and heads; forward where `dOut` is 0. */
function pass(dOut: usize, turned: usize, out: usize, lse: usize, segments: usize, segmentCount: i32, heads: i32, keyHeads: i32, headDim: i32, maxKeys: i32, dTurned: usize, scratch: usize): void {
  const width = (heads + 2 * keyHeads) * headDim;
  const outWidth = heads * headDim;
  const repeats = heads / keyHeads;
  const packed = max(packedSize(headDim, maxKeys), packedSize(maxKeys, headDim));
  const keys = at(scratch, gemmScratch());
  const values = at(keys, maxKeys * headDim);
  const dKeys = at(values, maxKeys * headDim);
  const dValues = at(dKeys, maxKeys * headDim);
  const keysAcross = at(dValues, maxKeys * headDim);
  const keysAlong = at(keysAcross, packed);
  const packedValues = at(keysAlong, packed);
  const p = at(packedValues, packed);
  const dp = at(p, QB * maxKeys);
  for (let s = 0; s < segmentCount; s++) {
    const segment = segments + <usize>s * 20;
    const start = i32.load(segment);
    const count = i32.load(segment, 4);
    const prefixStart = i32.load(segment, 8);
    const prefixCount = i32.load(segment, 12);
    const causal = i32.load(segment, 16) != 0;
    for (let from = 0; from < count; from += QB) {
      const queries = min(QB, count - from);
      const own = causal ? from + queries : count;
      const keyCount = prefixCount + own;
      // The first query sees this many keys; each further one sees `more` in addition.
      const visible = causal ? prefixCount + from + 1 : keyCount;
      const more = causal ? 1 : 0;
      for (let g = 0; g < keyHeads; g++) {
        const keyColumn = (heads + g) * headDim;
        const valueColumn = (heads + keyHeads + g) * headDim;
        copyHeads(at(turned, prefixStart * width + keyColumn), width, prefixCount, headDim, keys);
        copyHeads(at(turned, start * width + keyColumn), width, own, headDim, at(keys, prefixCount * headDim));
        copyHeads(at(turned, prefixStart * width + valueColumn), width, prefixCount, headDim, values);
        copyHeads(at(turned, start * width + valueColumn), width, own, headDim, at(values, prefixCount * headDim));
        packWeights(1, headDim, keyCount, keys, headDim, keysAcross);
        if (dOut == 0) packWeights(0, keyCount, headDim, values, headDim, packedValues);
        else {
          packWeights(0, keyCount, headDim, keys, headDim, keysAlong);
          packWeights(1, headDim, keyCount, values, headDim, packedValues);
        }
        for (let r = 0; r < repeats; r++) {
          const h = g * repeats + r;
          const query = at(turned, (start + from) * width + h * headDim);
          const result = at(out, (start + from) * outWidth + h * headDim);
          const sums = at(lse, (start + from) * heads + h);
          gemmPacked(queries, keyCount, headDim, query, width, keysAcross, p, keyCount, 0, 0);
          if (dOut == 0) {
            for (let i = 0; i < queries; i++) f32.store(at(sums, i * heads), softmaxRow(at(p, i * keyCount), visible + more * i, keyCount));
            gemmPacked(queries, headDim, keyCount, p, keyCount, packedValues, result, outWidth, 0, 0);
            continue;
          }
          const gradient = at(dOut, (start + from) * outWidth + h * headDim);
          gemmPacked(queries, keyCount, headDim, gradient, outWidth, packedValues, dp, keyCount, 0, 0);
          for (let i = 0; i < queries; i++) {
            probabilitiesRow(at(p, i * keyCount), visible + more * i, keyCount, f32.load(at(sums, i * heads)));
            scoreGradientRow(at(p, i * keyCount), at(dp, i * keyCount), keyCount, dot(at(gradient, i * outWidth), at(result, i * outWidth), headDim));
          }
          const add = r > 0 ? 1 : 0;
          gemm(1, 0, keyCount, headDim, queries, p, keyCount, gradient, outWidth, dValues, headDim, 0, add, scratch);
          gemm(1, 0, keyCount, headDim, queries, dp, keyCount, query, width, dKeys, headDim, 0, add, scratch);
          gemmPacked(queries, headDim, keyCount, dp, keyCount, keysAlong, at(dTurned, (start + from) * width + h * headDim), width, 0, 0);
        }
        if (dOut == 0) continue;
        addHeads(dKeys, prefixCount, headDim, at(dTurned, prefixStart * width + keyColumn), width);
        addHeads(at(dKeys, prefixCount * headDim), own, headDim, at(dTurned, start * width + keyColumn), width);
        addHeads(dValues, prefixCount, headDim, at(dTurned, prefixStart * width + valueColumn), width);
        addHeads(at(dValues, prefixCount * headDim), own, headDim, at(dTurned, start * width + valueColumn), width);
      }
    }
  }
}

/** Scores of one query against `count` cached keys `stride` floats apart, four keys at a time. */
function cachedScores(query: usize, cache: usize, stride: i32, count: i32, headDim: i32, scores: usize): void {
  const vectors = (<usize>(headDim & ~3)) << 2;
  const row = <usize>stride << 2;
  let k = 0;
  if ((headDim & 3) == 0) {
    for (; k + 4 <= count; k += 4) {
      const k0 = cache;
      const k1 = k0 + row;
      const k2 = k1 + row;
      const k3 = k2 + row;
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let i: usize = 0; i < vectors; i += 16) {
        const q = v128.load(query + i);
        s0 = f32x4.add(s0, f32x4.mul(q, v128.load(k0 + i)));
        s1 = f32x4.add(s1, f32x4.mul(q, v128.load(k1 + i)));
        s2 = f32x4.add(s2, f32x4.mul(q, v128.load(k2 + i)));
        s3 = f32x4.add(s3, f32x4.mul(q, v128.load(k3 + i)));
      }
      // Sums across lanes by a transpose, in the order of `sum4`: (0 + 1) + (2 + 3).
      const t0 = v128.shuffle<f32>(s0, s1, 0, 4, 2, 6);
      const t1 = v128.shuffle<f32>(s0, s1, 1, 5, 3, 7);
      const t2 = v128.shuffle<f32>(s2, s3, 0, 4, 2, 6);
      const t3 = v128.shuffle<f32>(s2, s3, 1, 5, 3, 7);
      const a = f32x4.add(t0, t1);
      const b = f32x4.add(t2, t3);
      v128.store(at(scores, k), f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7)));
      cache += 4 * row;
    }
  }
  for (; k < count; k++) {
    f32.store(at(scores, k), dot(query, cache, headDim));
    cache += row;
  }
}

/** out += Σ weight · value over cached values, sixteen columns at a time in registers. */
function addWeighted(out: usize, weights: usize, cache: usize, stride: i32, count: i32, headDim: i32): void {
  const bytes = <usize>headDim << 2;
  const row = <usize>stride << 2;
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    let o0 = v128.load(out + i);
    let o1 = v128.load(out + i, 16);
    let o2 = v128.load(out + i, 32);
    let o3 = v128.load(out + i, 48);
    let from = cache + i;
    for (let k = 0; k < count; k++) {
      const w = v128.load32_splat(at(weights, k));
      o0 = f32x4.add(o0, f32x4.mul(w, v128.load(from)));
      o1 = f32x4.add(o1, f32x4.mul(w, v128.load(from, 16)));
      o2 = f32x4.add(o2, f32x4.mul(w, v128.load(from, 32)));
      o3 = f32x4.add(o3, f32x4.mul(w, v128.load(from, 48)));
      from += row;
    }
    v128.store(out + i, o0);
    v128.store(out + i, o1, 16);
    v128.store(out + i, o2, 32);
    v128.store(out + i, o3, 48);
  }
  for (; i < bytes; i += 4) {
    let sum = f32.load(out + i);
    for (let k = 0; k < count; k++) sum += f32.load(at(weights, k)) * f32.load(cache + i + <usize>k * row);
    f32.store(out + i, sum);
  }
}

/**
 * Stores the keys and values of one new token a row and attends over the prompt's cache and the row's own. `rows`: see
 * ./decode. `turned`: the new tokens after `rotateRows`. `scores`: as many floats as the longest row has keys.
 */
export function decodeAttention(turned: usize, rows: usize, rowCount: i32, layer: i32, heads: i32, keyHeads: i32, headDim: i32, out: usize, scores: usize): void {
  const width = (heads + 2 * keyHeads) * headDim;
  const stride = 2 * keyHeads * headDim;
  const repeats = heads / keyHeads;
  for (let row = 0; row < rowCount; row++) {
    const promptLength = i32.load(rows, 8);
    const prompt = at(<usize>i32.load(rows, 4), layer * promptLength * stride);
    const stored = i32.load(rows, 16);
    const own = at(<usize>i32.load(rows, 12), layer * i32.load(rows, 20) * stride);
    rows += ROW_BYTES;
    memory.copy(at(own, stored * stride), at(turned, row * width + heads * headDim), <usize>stride << 2);
    const ownLength = stored + 1;
    for (let h = 0; h < heads; h++) {
      const g = h / repeats;
      const query = at(turned, row * width + h * headDim);
      cachedScores(query, at(prompt, g * headDim), stride, promptLength, headDim, scores);
      cachedScores(query, at(own, g * headDim), stride, ownLength, headDim, at(scores, promptLength));
      const total = promptLength + ownLength;
      softmaxRow(scores, total, total);
      const result = at(out, (row * heads + h) * headDim);
      memory.fill(result, 0, <usize>headDim << 2);
      addWeighted(result, scores, at(prompt, (keyHeads + g) * headDim), stride, promptLength, headDim);
      addWeighted(result, at(scores, promptLength), at(own, (keyHeads + g) * headDim), stride, ownLength, headDim);
    }
  }
}

/** Copies keys and values of rotated rows into caches, one pointer a row. */
export function storeKeysValues(turned: usize, pointers: usize, rows: i32, heads: i32, keyHeads: i32, headDim: i32): void {
  const width = (heads + 2 * keyHeads) * headDim;
  const bytes = <usize>(2 * keyHeads * headDim) << 2;
  for (let row = 0; row < rows; row++) memory.copy(<usize>i32.load(at(pointers, row)), at(turned, row * width + heads * headDim), bytes);
}
