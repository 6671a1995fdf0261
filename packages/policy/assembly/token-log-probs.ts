/**
 * Log-probabilities and entropies of rows of logits, and their gradient. Formulas are in
 * src/kernels/token-log-probs.ts.
 */
import { exp4, exp1, max4, sum4, log1 } from "./math";

/** Sums of this many entries are added up in float64, as a vocabulary is long. */
const BLOCK: usize = 4096;

/**
 * For each row of logits [rows, width]: out[row · outStride] = log p(target), out[row · outStride + 1] = entropy (if
 * wanted), stats[2 row] = log-sum-exp of the scaled logits, stats[2 row + 1] = entropy.
 */
export function tokenLogProbs(
  logits: usize,
  targets: usize,
  rows: i32,
  width: i32,
  inverseTemperature: f32,
  entropy: i32,
  out: usize,
  outStride: i32,
  stats: usize,
): void {
  const bytes = (<usize>width) << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  const t = f32x4.splat(inverseTemperature);
  for (let row = 0; row < rows; row++) {
    let most = f32.load(logits);
    let i: usize = 0;
    if (vectors > 0) {
      let m = v128.load(logits);
      for (; i < vectors; i += 16) m = f32x4.max(m, v128.load(logits + i));
      most = max4(m);
    }
    for (; i < bytes; i += 4) most = max(most, f32.load(logits + i));
    const m = f32x4.splat(most);
    let total: f64 = 0;
    let weighted: f64 = 0;
    i = 0;
    while (i < vectors) {
      const end = min(vectors, i + BLOCK);
      let sum = f32x4.splat(0);
      let product = sum;
      for (; i < end; i += 16) {
        const z = f32x4.mul(f32x4.sub(v128.load(logits + i), m), t);
        const e = exp4(z);
        sum = f32x4.add(sum, e);
        product = f32x4.add(product, f32x4.mul(e, z));
      }
      total += <f64>sum4(sum);
      weighted += <f64>sum4(product);
    }
    for (; i < bytes; i += 4) {
      const z = (f32.load(logits + i) - most) * inverseTemperature;
      const e = exp1(z);
      total += <f64>e;
      weighted += <f64>(e * z);
    }
    const logTotal = <f64>log1(<f32>total);
    const h = <f32>(logTotal - weighted / total);
    const target = f32.load(logits + ((<usize>i32.load(targets + ((<usize>row) << 2))) << 2));
    f32.store(out, (target - most) * inverseTemperature - <f32>logTotal);
    if (entropy != 0) f32.store(out, h, 4);
    f32.store(stats, most * inverseTemperature + <f32>logTotal);
    f32.store(stats, h, 4);
    out += (<usize>outStride) << 2;
    stats += 8;
    logits += bytes;
  }
}

/**
 * Turns logits into their gradient in place: (g (1[target] - p) - e p (log p + H)) / τ, with g = dy[row · stride] and
 * e = dy[row · stride + 1] (if the entropy was wanted).
 */
export function tokenLogProbsBackward(
  logits: usize,
  targets: usize,
  dy: usize,
  stride: i32,
  stats: usize,
  rows: i32,
  width: i32,
  inverseTemperature: f32,
  entropy: i32,
): void {
  const bytes = (<usize>width) << 2;
  const vectors = (<usize>(width & ~3)) << 2;
  const t = f32x4.splat(inverseTemperature);
  for (let row = 0; row < rows; row++) {
    const g = f32.load(dy) * inverseTemperature;
    const e: f32 = entropy != 0 ? f32.load(dy, 4) * inverseTemperature : 0;
    const lse = f32.load(stats);
    const h = f32.load(stats, 4);
    const g4 = f32x4.splat(g);
    const e4 = f32x4.splat(e);
    const l4 = f32x4.splat(lse);
    const h4 = f32x4.splat(h);
    let i: usize = 0;
    for (; i < vectors; i += 16) {
      const z = f32x4.sub(f32x4.mul(v128.load(logits + i), t), l4);
      v128.store(logits + i, f32x4.neg(f32x4.mul(exp4(z), f32x4.add(g4, f32x4.mul(e4, f32x4.add(z, h4))))));
    }
    for (; i < bytes; i += 4) {
      const z = f32.load(logits + i) * inverseTemperature - lse;
      f32.store(logits + i, -exp1(z) * (g + e * (z + h)));
    }
    const target = logits + ((<usize>i32.load(targets + ((<usize>row) << 2))) << 2);
    f32.store(target, f32.load(target) + g);
    dy += (<usize>stride) << 2;
    stats += 8;
    logits += bytes;
  }
}
