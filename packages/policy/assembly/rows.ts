/**
 * RMSNorm, LayerNorm, activations, gathering and adding up rows. Formulas are in src/kernels, in the file of the same
 * name.
 */
import { exp4, sum4 } from "./math";

/** y = x · inverse · w a row; `inverse` [rows] is kept for the backward pass. */
export function rmsNorm(x: usize, w: usize, rows: i32, width: i32, epsilon: f32, y: usize, inverse: usize): void {
  const bytes = <usize>width << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  for (let row = 0; row < rows; row++) {
    let sum = f32x4.splat(0);
    let i: usize = 0;
    for (; i < vectors; i += 16) {
      const v = v128.load(x + i);
      sum = f32x4.add(sum, f32x4.mul(v, v));
    }
    let total = sum4(sum);
    for (; i < bytes; i += 4) total += f32.load(x + i) * f32.load(x + i);
    const scale: f32 = 1 / sqrt<f32>(total / <f32>width + epsilon);
    f32.store(inverse + (<usize>row << 2), scale);
    const s = f32x4.splat(scale);
    for (i = 0; i < vectors; i += 16) v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), s), v128.load(w + i)));
    for (; i < bytes; i += 4) f32.store(y + i, f32.load(x + i) * scale * f32.load(w + i));
    x += bytes;
    y += bytes;
  }
}

/** dx, and dw (zeroed by the caller; 0: not wanted). */
export function rmsNormBackward(dy: usize, x: usize, w: usize, inverse: usize, rows: i32, width: i32, dx: usize, dw: usize): void {
  const bytes = <usize>width << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  for (let row = 0; row < rows; row++) {
    const scale = f32.load(inverse + (<usize>row << 2));
    const s = f32x4.splat(scale);
    let sum = f32x4.splat(0);
    let i: usize = 0;
    for (; i < vectors; i += 16) sum = f32x4.add(sum, f32x4.mul(f32x4.mul(v128.load(dy + i), v128.load(w + i)), v128.load(x + i)));
    let total = sum4(sum);
    for (; i < bytes; i += 4) total += f32.load(dy + i) * f32.load(w + i) * f32.load(x + i);
    const mean: f32 = (total * scale) / <f32>width;
    const m = f32x4.splat(mean);
    for (i = 0; i < vectors; i += 16) {
      const n = f32x4.mul(v128.load(x + i), s);
      const d = v128.load(dy + i);
      v128.store(dx + i, f32x4.mul(s, f32x4.sub(f32x4.mul(d, v128.load(w + i)), f32x4.mul(n, m))));
      if (dw != 0) v128.store(dw + i, f32x4.add(v128.load(dw + i), f32x4.mul(d, n)));
    }
    for (; i < bytes; i += 4) {
      const n = f32.load(x + i) * scale;
      const d = f32.load(dy + i);
      f32.store(dx + i, scale * (d * f32.load(w + i) - n * mean));
      if (dw != 0) f32.store(dw + i, f32.load(dw + i) + d * n);
    }
    dy += bytes;
    x += bytes;
    dx += bytes;
  }
}

/**
 * y = (x - mean) · inverse · w + b a row; `stats` [rows, 2] keeps mean and inverse for the backward pass.
 */
export function layerNorm(x: usize, w: usize, b: usize, rows: i32, width: i32, epsilon: f32, y: usize, stats: usize): void {
  const bytes = <usize>width << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  for (let row = 0; row < rows; row++) {
    let sum = f32x4.splat(0);
    let i: usize = 0;
    for (; i < vectors; i += 16) sum = f32x4.add(sum, v128.load(x + i));
    let total = sum4(sum);
    for (; i < bytes; i += 4) total += f32.load(x + i);
    const mean: f32 = total / <f32>width;
    const m = f32x4.splat(mean);
    sum = f32x4.splat(0);
    for (i = 0; i < vectors; i += 16) {
      const v = f32x4.sub(v128.load(x + i), m);
      sum = f32x4.add(sum, f32x4.mul(v, v));
    }
    total = sum4(sum);
    for (; i < bytes; i += 4) {
      const v = f32.load(x + i) - mean;
      total += v * v;
    }
    const scale: f32 = 1 / sqrt<f32>(total / <f32>width + epsilon);
    f32.store(stats, mean);
    f32.store(stats, scale, 4);
    stats += 8;
    const s = f32x4.splat(scale);
    for (i = 0; i < vectors; i += 16)
      v128.store(y + i, f32x4.add(f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + i), m), s), v128.load(w + i)), v128.load(b + i)));
    for (; i < bytes; i += 4) f32.store(y + i, (f32.load(x + i) - mean) * scale * f32.load(w + i) + f32.load(b + i));
    x += bytes;
    y += bytes;
  }
}

/** dx, and dw and db (zeroed by the caller; 0: not wanted). */
export function layerNormBackward(dy: usize, x: usize, w: usize, stats: usize, rows: i32, width: i32, dx: usize, dw: usize, db: usize): void {
  const bytes = <usize>width << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  for (let row = 0; row < rows; row++) {
    const mean = f32.load(stats);
    const scale = f32.load(stats, 4);
    stats += 8;
    const m = f32x4.splat(mean);
    const s = f32x4.splat(scale);
    let plain = f32x4.splat(0);
    let product = f32x4.splat(0);
    let i: usize = 0;
    for (; i < vectors; i += 16) {
      const d = f32x4.mul(v128.load(dy + i), v128.load(w + i));
      plain = f32x4.add(plain, d);
      product = f32x4.add(product, f32x4.mul(d, f32x4.mul(f32x4.sub(v128.load(x + i), m), s)));
    }
    let total = sum4(plain);
    let weighted = sum4(product);
    for (; i < bytes; i += 4) {
      const d = f32.load(dy + i) * f32.load(w + i);
      total += d;
      weighted += d * ((f32.load(x + i) - mean) * scale);
    }
    total /= <f32>width;
    weighted /= <f32>width;
    const t = f32x4.splat(total);
    const p = f32x4.splat(weighted);
    for (i = 0; i < vectors; i += 16) {
      const d = v128.load(dy + i);
      const n = f32x4.mul(f32x4.sub(v128.load(x + i), m), s);
      v128.store(dx + i, f32x4.mul(s, f32x4.sub(f32x4.sub(f32x4.mul(d, v128.load(w + i)), t), f32x4.mul(n, p))));
      if (dw != 0) v128.store(dw + i, f32x4.add(v128.load(dw + i), f32x4.mul(d, n)));
      if (db != 0) v128.store(db + i, f32x4.add(v128.load(db + i), d));
    }
    for (; i < bytes; i += 4) {
      const d = f32.load(dy + i);
      const n = (f32.load(x + i) - mean) * scale;
      f32.store(dx + i, scale * (d * f32.load(w + i) - total - n * weighted));
      if (dw != 0) f32.store(dw + i, f32.load(dw + i) + d * n);
      if (db != 0) f32.store(db + i, f32.load(db + i) + d);
    }
    dy += bytes;
    x += bytes;
    dx += bytes;
  }
}

/**
 * RMSNorm over each head of queries and keys of packed rows; values are copied. `inverse` [rows, heads + keyHeads] is
 * kept for the backward pass. `y` may be `x`.
 */
export function normHeads(x: usize, queryWeight: usize, keyWeight: usize, rows: i32, heads: i32, keyHeads: i32, headDim: i32, epsilon: f32, y: usize, inverse: usize): void {
  const head = <usize>headDim << 2;
  for (let row = 0; row < rows; row++) {
    rmsNorm(x, queryWeight, heads, headDim, epsilon, y, inverse);
    x += <usize>heads * head;
    y += <usize>heads * head;
    inverse += <usize>heads << 2;
    rmsNorm(x, keyWeight, keyHeads, headDim, epsilon, y, inverse);
    x += <usize>keyHeads * head;
    y += <usize>keyHeads * head;
    inverse += <usize>keyHeads << 2;
    if (x != y) memory.copy(y, x, <usize>keyHeads * head);
    x += <usize>keyHeads * head;
    y += <usize>keyHeads * head;
  }
}

/** dx, and the weights' gradients (zeroed by the caller; 0: not wanted). */
export function normHeadsBackward(dy: usize, x: usize, queryWeight: usize, keyWeight: usize, inverse: usize, rows: i32, heads: i32, keyHeads: i32, headDim: i32, dx: usize, dQuery: usize, dKey: usize): void {
  const head = <usize>headDim << 2;
  const queries = <usize>heads * head;
  const keys = <usize>keyHeads * head;
  for (let row = 0; row < rows; row++) {
    rmsNormBackward(dy, x, queryWeight, inverse, heads, headDim, dx, dQuery);
    rmsNormBackward(dy + queries, x + queries, keyWeight, inverse + (<usize>heads << 2), keyHeads, headDim, dx + queries, dKey);
    memory.copy(dx + queries + keys, dy + queries + keys, keys);
    inverse += <usize>(heads + keyHeads) << 2;
    dy += queries + 2 * keys;
    x += queries + 2 * keys;
    dx += queries + 2 * keys;
  }
}

@inline function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** [rows, 2 width] → [rows, width]. */
export function swiglu(packed: usize, rows: i32, width: i32, y: usize): void {
  const bytes = <usize>width << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  for (let row = 0; row < rows; row++) {
    let i: usize = 0;
    for (; i < vectors; i += 16) {
      const g = v128.load(packed + i);
      v128.store(y + i, f32x4.mul(f32x4.mul(g, sigmoid4(g)), v128.load(packed + bytes + i)));
    }
    for (; i < bytes; i += 4) {
      const g = v128.load32_splat(packed + i);
      f32.store(y + i, f32x4.extract_lane(f32x4.mul(g, sigmoid4(g)), 0) * f32.load(packed + bytes + i));
    }
    packed += 2 * bytes;
    y += bytes;
  }
}

export function swigluBackward(dy: usize, packed: usize, rows: i32, width: i32, dPacked: usize): void {
  const bytes = <usize>width << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  const one = f32x4.splat(1);
  for (let row = 0; row < rows; row++) {
    let i: usize = 0;
    for (; i < bytes; i += 16) {
      const whole = i < vectors;
      const g = whole ? v128.load(packed + i) : v128.load32_splat(packed + i);
      const u = whole ? v128.load(packed + bytes + i) : v128.load32_splat(packed + bytes + i);
      const d = whole ? v128.load(dy + i) : v128.load32_splat(dy + i);
      const s = sigmoid4(g);
      const ds = f32x4.mul(d, s);
      const dg = f32x4.mul(f32x4.mul(ds, u), f32x4.add(f32x4.mul(g, f32x4.sub(one, s)), one));
      const du = f32x4.mul(ds, g);
      if (whole) {
        v128.store(dPacked + i, dg);
        v128.store(dPacked + bytes + i, du);
      } else {
        f32.store(dPacked + i, f32x4.extract_lane(dg, 0));
        f32.store(dPacked + bytes + i, f32x4.extract_lane(du, 0));
        i -= 12;
      }
    }
    dy += bytes;
    packed += 2 * bytes;
    dPacked += 2 * bytes;
  }
}

/** Φ(x) = (1 + erf(x / √2)) / 2 by Abramowitz and Stegun 7.1.26 (error 1.5e-7); `e` is exp(-x² / 2). */
@inline function normalCdf4(x: v128, e: v128): v128 {
  const one = f32x4.splat(1);
  const a = f32x4.mul(f32x4.abs(x), f32x4.splat(0.70710678118654752));
  const t = f32x4.div(one, f32x4.add(one, f32x4.mul(a, f32x4.splat(0.3275911))));
  let p = f32x4.splat(1.061405429);
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.453152027));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.421413741));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.284496736));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.254829592));
  // The half of erfc at |x|: what lies outside on one side.
  const tail = f32x4.mul(f32x4.mul(f32x4.mul(p, t), e), f32x4.splat(0.5));
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
}

@inline function bell4(x: v128): v128 {
  return exp4(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
}

export function gelu(x: usize, count: i32, y: usize): void {
  const bytes = <usize>count << 2;
  const vectors = (<usize>(count & ~3)) << 2;
  let i: usize = 0;
  for (; i < vectors; i += 16) {
    const v = v128.load(x + i);
    v128.store(y + i, f32x4.mul(v, normalCdf4(v, bell4(v))));
  }
  for (; i < bytes; i += 4) {
    const v = v128.load32_splat(x + i);
    f32.store(y + i, f32x4.extract_lane(f32x4.mul(v, normalCdf4(v, bell4(v))), 0));
  }
}

export function geluBackward(dy: usize, x: usize, count: i32, dx: usize): void {
  const bytes = <usize>count << 2;
  const vectors = (<usize>(count & ~3)) << 2;
  const root = f32x4.splat(0.39894228040143268);
  let i: usize = 0;
  for (; i < bytes; i += 16) {
    const whole = i < vectors;
    const v = whole ? v128.load(x + i) : v128.load32_splat(x + i);
    const e = bell4(v);
    const slope = f32x4.add(normalCdf4(v, e), f32x4.mul(f32x4.mul(v, e), root));
    if (whole) v128.store(dx + i, f32x4.mul(v128.load(dy + i), slope));
    else {
      f32.store(dx + i, f32.load(dy + i) * f32x4.extract_lane(slope, 0));
      i -= 12;
    }
  }
}

/** y = x σ(a x + b x³). */
export function sigmoidGelu(x: usize, count: i32, a: f32, b: f32, y: usize): void {
  const bytes = <usize>count << 2;
  const vectors = (<usize>(count & ~3)) << 2;
  const a4 = f32x4.splat(a);
  const b4 = f32x4.splat(b);
  for (let i: usize = 0; i < bytes; i += 16) {
    const whole = i < vectors;
    const v = whole ? v128.load(x + i) : v128.load32_splat(x + i);
    const z = f32x4.mul(v, f32x4.add(a4, f32x4.mul(b4, f32x4.mul(v, v))));
    const value = f32x4.mul(v, sigmoid4(z));
    if (whole) v128.store(y + i, value);
    else {
      f32.store(y + i, f32x4.extract_lane(value, 0));
      i -= 12;
    }
  }
}

/** dx = dy (σ + x σ (1 - σ) (a + 3 b x²)). */
export function sigmoidGeluBackward(dy: usize, x: usize, count: i32, a: f32, b: f32, dx: usize): void {
  const bytes = <usize>count << 2;
  const vectors = (<usize>(count & ~3)) << 2;
  const one = f32x4.splat(1);
  const a4 = f32x4.splat(a);
  const b4 = f32x4.splat(b);
  const c4 = f32x4.splat(3 * b);
  for (let i: usize = 0; i < bytes; i += 16) {
    const whole = i < vectors;
    const v = whole ? v128.load(x + i) : v128.load32_splat(x + i);
    const square = f32x4.mul(v, v);
    const s = sigmoid4(f32x4.mul(v, f32x4.add(a4, f32x4.mul(b4, square))));
    const slope = f32x4.add(s, f32x4.mul(f32x4.mul(f32x4.mul(v, s), f32x4.sub(one, s)), f32x4.add(a4, f32x4.mul(c4, square))));
    if (whole) v128.store(dx + i, f32x4.mul(v128.load(dy + i), slope));
    else {
      f32.store(dx + i, f32.load(dy + i) * f32x4.extract_lane(slope, 0));
      i -= 12;
    }
  }
}

/** Numbers of bfloat16 as float32, whose upper half each is. */
export function widen(from: usize, count: i32, to: usize): void {
  const end = from + (<usize>(count & ~3) << 1);
  for (; from < end; from += 8, to += 16) v128.store(to, i32x4.shl(i32x4.extend_low_i16x8_u(v128.load64_zero(from)), 16));
  for (let i = count & 3; i > 0; i--, from += 2, to += 4) i32.store(to, <i32>i32.load16_u(from) << 16);
}

/** y[i] = x[index[i]], zeros for -1. An odd address of x, one past its own, says that x is bfloat16. */
export function gatherRows(x: usize, index: usize, count: i32, width: i32, y: usize): void {
  const bytes = <usize>width << 2;
  for (let i = 0; i < count; i++) {
    const row = i32.load(index + (<usize>i << 2));
    if (row < 0) memory.fill(y, 0, bytes);
    else if ((x & 1) != 0) widen(x - 1 + (<usize>row * (bytes >> 1)), width, y);
    else memory.copy(y, x + <usize>row * bytes, bytes);
    y += bytes;
  }
}

/** dx[index[i]] += dy[i]; dx is zeroed by the caller. */
export function scatterAddRows(dy: usize, index: usize, count: i32, width: i32, dx: usize): void {
  const bytes = <usize>width << 2;
  for (let i = 0; i < count; i++) {
    const row = i32.load(index + (<usize>i << 2));
    if (row >= 0) addInto(dx + <usize>row * bytes, dy, width);
    dy += bytes;
  }
}

/** to += from. */
export function addInto(to: usize, from: usize, count: i32): void {
  const bytes = <usize>count << 2;
  const vectors = (<usize>(count & ~3)) << 2;
  let i: usize = 0;
  for (; i < vectors; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
  for (; i < bytes; i += 4) f32.store(to + i, f32.load(to + i) + f32.load(from + i));
}

/** out[j] += Σ rows x[row, j], rows `stride` floats apart: the gradient of a bias. */
export function sumRows(x: usize, rows: i32, width: i32, stride: i32, out: usize): void {
  for (let row = 0; row < rows; row++) addInto(out, x + ((<usize>row * <usize>stride) << 2), width);
}
