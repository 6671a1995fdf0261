/** How fast the current backend is: matrix products as training uses them, and the cost of one small operation. */
import type * as tfjs from "@tensorflow/tfjs-core";
import { measureTrainingStep } from "./measure-training-step";

/** The speed of one matrix product. */
export interface ProductSpeed {
  /** Rows of the result, inner dimension, columns: [m, k] × [k, n]. */
  readonly shape: readonly [m: number, k: number, n: number];
  /** "plain", or which side is passed transposed (tfjs flags transposeA, transposeB). */
  readonly form: "plain" | "transposeA" | "transposeB";
  readonly gflops: number;
}

/** What `measureCurrentBackend` found. */
export interface BackendMeasurement {
  readonly products: readonly ProductSpeed[];
  /** Microseconds of one `add` of two vectors of 16 numbers, a chain of 200 without reading in between. */
  readonly microsecondsPerOp: number;
  /** Tokens per second of a plain training step (measure-training-step.ts); absent unless asked for. */
  readonly trainedTokensPerSecond?: number;
}

/** What to measure. */
export interface MeasureOptions {
  /** Products to time. Default 1024³ alone, plain. */
  readonly products?: readonly Pick<ProductSpeed, "shape" | "form">[];
  /** Time spent on each quantity, in milliseconds. */
  readonly budgetMs?: number;
  /** Time a training step as well: some seconds on wasm. */
  readonly trainingStep?: boolean;
}

/** The products of the benchmark: a square one, and the projection of a small model with its two gradients' forms. */
export const BENCH_PRODUCTS: NonNullable<MeasureOptions["products"]> = [
  { shape: [1024, 1024, 1024], form: "plain" },
  { shape: [2560, 128, 384], form: "plain" },
  { shape: [2560, 128, 384], form: "transposeB" },
  { shape: [128, 2560, 384], form: "transposeA" },
];

/**
 * Measures the current backend. Each number is the best of several repetitions within its time budget, so a busy
 * machine disturbs it little. Leaves no tensor behind.
 *
 * @param tf tfjs-core, with the backend set
 */
export async function measureCurrentBackend(
  tf: typeof tfjs,
  options: MeasureOptions = {},
): Promise<BackendMeasurement> {
  const budgetMs = options.budgetMs ?? 400;
  await tf.ready();
  const products = (options.products ?? BENCH_PRODUCTS.slice(0, 1)).map((product) => ({
    ...product,
    gflops: measureProduct(tf, product, budgetMs),
  }));
  const microsecondsPerOp = measureOp(tf, budgetMs);
  if (options.trainingStep !== true) return { products, microsecondsPerOp };
  return { products, microsecondsPerOp, trainedTokensPerSecond: await measureTrainingStep(tf) };
}

function measureProduct(
  tf: typeof tfjs,
  { shape: [m, k, n], form }: Pick<ProductSpeed, "shape" | "form">,
  budgetMs: number,
): number {
  const a = tf.randomNormal(form === "transposeA" ? [k, m] : [m, k], 0, 1, "float32", 1);
  const b = tf.randomNormal(form === "transposeB" ? [n, k] : [k, n], 0, 1, "float32", 2);
  const best = bestTime(budgetMs, () => {
    tf.tidy(() => {
      const product = tf.matMul(a, b, form === "transposeA", form === "transposeB");
      // One number is read back, so that a backend which only queues work has to finish it.
      tf.slice(tf.reshape(product, [-1]), 0, 1).dataSync();
    });
  });
  tf.dispose([a, b]);
  return (2 * m * k * n) / best / 1e6;
}

const CHAIN = 200;

function measureOp(tf: typeof tfjs, budgetMs: number): number {
  const x = tf.zeros([16]);
  const one = tf.ones([16]);
  const best = bestTime(budgetMs, () => {
    tf.tidy(() => {
      let sum: tfjs.Tensor = x;
      for (let i = 0; i < CHAIN; i += 1) sum = tf.add(sum, one);
      sum.dataSync();
    });
  });
  tf.dispose([x, one]);
  return (best / CHAIN) * 1000;
}

/** The shortest of at least three runs, in milliseconds, after one that warms up. */
function bestTime(budgetMs: number, run: () => void): number {
  run();
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + budgetMs;
  for (let i = 0; i < 3 || performance.now() < end; i += 1) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
