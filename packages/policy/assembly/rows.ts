/** RMSNorm, activations, gathering and adding up rows. Formulas are in src/kernels, in the file of the same name. */
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

/** y[i] = x[index[i]], zeros for -1. */
export function gatherRows(x: usize, index: usize, count: i32, width: i32, y: usize): void {
  const bytes = <usize>width << 2;
  for (let i = 0; i < count; i++) {
    const row = i32.load(index + (<usize>i << 2));
    if (row < 0) memory.fill(y, 0, bytes);
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
