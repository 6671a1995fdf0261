/**
 * Single-precision matrix products, C = op(A) op(B) (+ bias) or C += op(A) op(B), row-major with strides in elements.
 *
 * After Goto and van de Geijn (doi 10.1145/1356052.1356053): blocks of B are packed into panels of eight columns that
 * stay in the first cache, and a 4 × 8 tile of C stays in registers while it runs down a panel. Transposes cost
 * nothing, as packing reads B in either order and transposed A is packed too. Every element of C adds its products in
 * the same order whatever the other rows are, so a row's result does not depend on the batch it is in.
 */

/** Rows of B in a block. */
const KC: i32 = 384;
/** Columns of B in a block. */
const NC: i32 = 1024;
/** Rows of transposed A in a block, a multiple of 4. */
const MC: i32 = 96;

/** Floats of scratch memory that `gemm` needs at most: a block of B and a block of A. */
export function gemmScratch(): i32 {
  return KC * NC + KC * MC;
}

@inline function min(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** Four numbers, of bfloat16 (T = u16) widened: it is the upper half of a float32. */
@inline function load4<T>(from: usize): v128 {
  if (sizeof<T>() == 2) return i32x4.shl(i32x4.extend_low_i16x8_u(v128.load64_zero(from)), 16);
  return v128.load(from);
}

@inline function load1<T>(from: usize): f32 {
  if (sizeof<T>() == 2) return reinterpret<f32>(<i32>i32.load16_u(from) << 16);
  return f32.load(from);
}

/**
 * Packs op(B)[k0.., n0..] of size kc × nc, float32 (T = f32) or bfloat16 (T = u16), into panels [nc / 8][kc][8] of
 * float32, padded with zeros.
 */
function packBlock<T>(transB: i32, kc: i32, nc: i32, b: usize, ldb: i32, out: usize): void {
  const size: usize = sizeof<T>();
  const stride = <usize>ldb * size;
  for (let n = 0; n < nc; n += 8) {
    const width = min(8, nc - n);
    if (transB == 0) {
      let from = b + <usize>n * size;
      if (width == 8) {
        for (let k = 0; k < kc; k++) {
          v128.store(out, load4<T>(from));
          v128.store(out, load4<T>(from + 4 * size), 16);
          from += stride;
          out += 32;
        }
      } else {
        for (let k = 0; k < kc; k++) {
          for (let j = 0; j < 8; j++) f32.store(out + (<usize>j << 2), j < width ? load1<T>(from + <usize>j * size) : 0);
          from += stride;
          out += 32;
        }
      }
    } else {
      const from = b + <usize>n * stride;
      let k = 0;
      if (width == 8) {
        for (; k + 4 <= kc; k += 4) {
          packTransposed4<T>(from + <usize>k * size, stride, out);
          packTransposed4<T>(from + <usize>k * size + 4 * stride, stride, out + 16);
          out += 128;
        }
      }
      for (; k < kc; k++) {
        for (let j = 0; j < 8; j++) f32.store(out + (<usize>j << 2), j < width ? load1<T>(from + <usize>j * stride + <usize>k * size) : 0);
        out += 32;
      }
    }
  }
}

/** A 4 × 4 transpose from rows `stride` bytes apart to rows 32 bytes apart. */
@inline function packTransposed4<T>(from: usize, stride: usize, out: usize): void {
  const r0 = load4<T>(from);
  const r1 = load4<T>(from + stride);
  const r2 = load4<T>(from + 2 * stride);
  const r3 = load4<T>(from + 3 * stride);
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
  v128.store(out, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7), 32);
  v128.store(out, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5), 64);
  v128.store(out, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7), 96);
}

/** Packs Aᵀ[m0.., k0..] of size mc × kc, A stored as [K, M], into [mc / 4][kc][4], padded with zeros. */
function packTransposedA(mc: i32, kc: i32, a: usize, lda: i32, out: usize): void {
  const stride = <usize>lda << 2;
  for (let m = 0; m < mc; m += 4) {
    const width = min(4, mc - m);
    let from = a + (<usize>m << 2);
    if (width == 4) {
      for (let k = 0; k < kc; k++) {
        v128.store(out, v128.load(from));
        from += stride;
        out += 16;
      }
    } else {
      for (let k = 0; k < kc; k++) {
        for (let j = 0; j < 4; j++) f32.store(out + (<usize>j << 2), j < width ? f32.load(from + (<usize>j << 2)) : 0);
        from += stride;
        out += 16;
      }
    }
  }
}

@inline function storeRow(c: usize, x0: v128, x1: v128, columns: i32, accumulate: bool): void {
  if (columns == 8) {
    if (accumulate) {
      x0 = f32x4.add(x0, v128.load(c));
      x1 = f32x4.add(x1, v128.load(c, 16));
    }
    v128.store(c, x0);
    v128.store(c, x1, 16);
    return;
  }
  storeLanes(c, x0, columns, accumulate);
  if (columns > 4) storeLanes(c + 16, x1, columns - 4, accumulate);
}

function storeLanes(c: usize, x: v128, columns: i32, accumulate: bool): void {
  f32.store(c, f32x4.extract_lane(x, 0) + (accumulate ? f32.load(c) : 0));
  if (columns > 1) f32.store(c, f32x4.extract_lane(x, 1) + (accumulate ? f32.load(c, 4) : 0), 4);
  if (columns > 2) f32.store(c, f32x4.extract_lane(x, 2) + (accumulate ? f32.load(c, 8) : 0), 8);
  if (columns > 3) f32.store(c, f32x4.extract_lane(x, 3) + (accumulate ? f32.load(c, 12) : 0), 12);
}

/**
 * Four rows of A against one panel of float32 (T = f32) or bfloat16 (T = u16). Rows past `rows` are computed (their
 * pointers repeat a real one) and not stored.
 */
function tile<T>(kc: i32, a0: usize, a1: usize, a2: usize, a3: usize, step: usize, b: usize, c: usize, ldc: usize, rows: i32, columns: i32, accumulate: bool, bias: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  if (bias != 0) {
    if (columns == 8) {
      c00 = v128.load(bias);
      c01 = v128.load(bias, 16);
    } else {
      c00 = f32x4.replace_lane(c00, 0, f32.load(bias));
      if (columns > 1) c00 = f32x4.replace_lane(c00, 1, f32.load(bias, 4));
      if (columns > 2) c00 = f32x4.replace_lane(c00, 2, f32.load(bias, 8));
      if (columns > 3) c00 = f32x4.replace_lane(c00, 3, f32.load(bias, 12));
      if (columns > 4) c01 = f32x4.replace_lane(c01, 0, f32.load(bias, 16));
      if (columns > 5) c01 = f32x4.replace_lane(c01, 1, f32.load(bias, 20));
      if (columns > 6) c01 = f32x4.replace_lane(c01, 2, f32.load(bias, 24));
    }
  }
  let c10 = c00;
  let c11 = c01;
  let c20 = c00;
  let c21 = c01;
  let c30 = c00;
  let c31 = c01;
  const width: usize = 8 * sizeof<T>();
  const end = b + <usize>kc * width;
  while (b < end) {
    let b0: v128;
    let b1: v128;
    if (sizeof<T>() == 2) {
      // A bfloat16 is the upper half of a float32.
      const halves = v128.load(b);
      b0 = i32x4.shl(i32x4.extend_low_i16x8_u(halves), 16);
      b1 = i32x4.shl(i32x4.extend_high_i16x8_u(halves), 16);
    } else {
      b0 = v128.load(b);
      b1 = v128.load(b, 16);
    }
    let a = v128.load32_splat(a0);
    c00 = f32x4.add(c00, f32x4.mul(a, b0));
    c01 = f32x4.add(c01, f32x4.mul(a, b1));
    a = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(a, b0));
    c11 = f32x4.add(c11, f32x4.mul(a, b1));
    a = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(a, b0));
    c21 = f32x4.add(c21, f32x4.mul(a, b1));
    a = v128.load32_splat(a3);
    c30 = f32x4.add(c30, f32x4.mul(a, b0));
    c31 = f32x4.add(c31, f32x4.mul(a, b1));
    a0 += step;
    a1 += step;
    a2 += step;
    a3 += step;
    b += width;
  }
  storeRow(c, c00, c01, columns, accumulate);
  if (rows > 1) storeRow(c + ldc, c10, c11, columns, accumulate);
  if (rows > 2) storeRow(c + 2 * ldc, c20, c21, columns, accumulate);
  if (rows > 3) storeRow(c + 3 * ldc, c30, c31, columns, accumulate);
}

/** A block of C from a packed block of B. `a` points at A[0, k0] (or at Aᵀ's storage, A[k0, 0]). */
function multiplyBlock<T>(transA: i32, m: i32, nc: i32, kc: i32, a: usize, lda: i32, panels: usize, c: usize, ldc: i32, accumulate: bool, bias: usize, packedA: usize): void {
  const rowC = <usize>ldc << 2;
  for (let m0 = 0; m0 < m; m0 += MC) {
    const mc = min(MC, m - m0);
    let base: usize;
    let row: usize;
    let step: usize;
    if (transA != 0) {
      packTransposedA(mc, kc, a + (<usize>m0 << 2), lda, packedA);
      base = packedA;
      row = 4;
      step = 16;
    } else {
      row = <usize>lda << 2;
      base = a + <usize>m0 * row;
      step = 4;
    }
    for (let n = 0; n < nc; n += 8) {
      const columns = min(8, nc - n);
      const panel = panels + <usize>n * <usize>kc * sizeof<T>();
      const biasHere = bias != 0 ? bias + (<usize>n << 2) : 0;
      for (let i = 0; i < mc; i += 4) {
        const rows = min(4, mc - i);
        const a0 = transA != 0 ? base + ((<usize>i * <usize>kc) << 2) : base + <usize>i * row;
        const a1 = rows > 1 ? a0 + row : a0;
        const a2 = rows > 2 ? a1 + row : a1;
        const a3 = rows > 3 ? a2 + row : a2;
        tile<T>(kc, a0, a1, a2, a3, step, panel, c + <usize>(m0 + i) * rowC + (<usize>n << 2), rowC, rows, columns, accumulate, biasHere);
      }
    }
  }
}

/**
 * C[m, n] = op(A)[m, k] op(B)[k, n] + bias. `transA`: A is stored [k, m]; `transB`: B is stored [n, k]. `bias` 0: none.
 * `accumulate`: adds to C instead. `scratch`: `gemmScratch()` floats. An odd address of B, one past its own, says that B
 * is bfloat16.
 */
export function gemm(transA: i32, transB: i32, m: i32, n: i32, k: i32, a: usize, lda: i32, b: usize, ldb: i32, c: usize, ldc: i32, bias: usize, accumulate: i32, scratch: usize): void {
  const packedA = scratch + ((<usize>KC * <usize>NC) << 2);
  for (let n0 = 0; n0 < n; n0 += NC) {
    const nc = min(NC, n - n0);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = min(KC, k - k0);
      const atB = transB != 0 ? <usize>n0 * <usize>ldb + <usize>k0 : <usize>k0 * <usize>ldb + <usize>n0;
      if ((b & 1) != 0) packBlock<u16>(transB, kc, nc, b - 1 + (atB << 1), ldb, scratch);
      else packBlock<f32>(transB, kc, nc, b + (atB << 2), ldb, scratch);
      const atA = transA != 0 ? <usize>k0 * <usize>lda : <usize>k0;
      multiplyBlock<f32>(transA, m, nc, kc, a + (atA << 2), lda, scratch, c + (<usize>n0 << 2), ldc, accumulate != 0 || k0 > 0, bias != 0 && k0 == 0 ? bias + (<usize>n0 << 2) : 0, packedA);
    }
  }
}

@inline function roundUp8(n: i32): i32 {
  return (n + 7) & ~7;
}

/** Columns of B in a block of the packed layout; whole blocks may be packed one after another. */
export function packedRows(): i32 {
  return NC;
}

/** Floats of a packed op(B)[k, n]. */
export function packedSize(k: i32, n: i32): i32 {
  return k * roundUp8(n);
}

/** Packs all of op(B)[k, n] for `gemmPacked`. */
export function packWeights(transB: i32, k: i32, n: i32, b: usize, ldb: i32, out: usize): void {
  for (let n0 = 0; n0 < n; n0 += NC) {
    const nc = min(NC, n - n0);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = min(KC, k - k0);
      const at = transB != 0 ? <usize>n0 * <usize>ldb + <usize>k0 : <usize>k0 * <usize>ldb + <usize>n0;
      packBlock<f32>(transB, kc, nc, b + (at << 2), ldb, out);
      out += (<usize>kc * <usize>roundUp8(nc)) << 2;
    }
  }
}

/**
 * `packWeights(1, ..)` in bfloat16: the upper halves of B's numbers, in half the memory. `scratch`: `gemmScratch()`
 * floats.
 */
export function packHalves(k: i32, n: i32, b: usize, ldb: i32, out: usize, scratch: usize): void {
  for (let n0 = 0; n0 < n; n0 += NC) {
    const nc = min(NC, n - n0);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = min(KC, k - k0);
      packBlock<f32>(1, kc, nc, b + ((<usize>n0 * <usize>ldb + <usize>k0) << 2), ldb, scratch);
      const end = scratch + ((<usize>kc * <usize>roundUp8(nc)) << 2);
      for (let from = scratch; from < end; from += 32) {
        v128.store(out, v128.shuffle<i16>(v128.load(from), v128.load(from, 16), 1, 3, 5, 7, 9, 11, 13, 15));
        out += 16;
      }
    }
  }
}

/**
 * `gemm` with A as it is and B packed by `packWeights`, or by `packHalves` at `packed - 1`: the odd address says so.
 */
export function gemmPacked(m: i32, n: i32, k: i32, a: usize, lda: i32, packed: usize, c: usize, ldc: i32, bias: usize, accumulate: i32): void {
  if ((packed & 1) != 0) multiplyPacked<u16>(m, n, k, a, lda, packed - 1, c, ldc, bias, accumulate);
  else multiplyPacked<f32>(m, n, k, a, lda, packed, c, ldc, bias, accumulate);
}

function multiplyPacked<T>(m: i32, n: i32, k: i32, a: usize, lda: i32, packed: usize, c: usize, ldc: i32, bias: usize, accumulate: i32): void {
  for (let n0 = 0; n0 < n; n0 += NC) {
    const nc = min(NC, n - n0);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = min(KC, k - k0);
      multiplyBlock<T>(0, m, nc, kc, a + (<usize>k0 << 2), lda, packed, c + (<usize>n0 << 2), ldc, accumulate != 0 || k0 > 0, bias != 0 && k0 == 0 ? bias + (<usize>n0 << 2) : 0, 0);
      packed += <usize>kc * <usize>roundUp8(nc) * sizeof<T>();
    }
  }
}
