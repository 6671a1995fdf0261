/** Runs the cases on the current backend and compares with float64. */
import * as tf from "@tensorflow/tfjs-core";
import type { ConformanceCase } from "./conformance-case";
import { ELEMENTWISE_CASES } from "./elementwise-cases";
import { LAYOUT_CASES } from "./layout-cases";
import { seeded, sizeOf, type NdArray } from "./nd-array";
import { PRODUCT_CASES } from "./product-cases";
import { REDUCTION_CASES } from "./reduction-cases";

/** Every case: what policy and grpo compute with. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  ...ELEMENTWISE_CASES,
  ...REDUCTION_CASES,
  ...LAYOUT_CASES,
  ...PRODUCT_CASES,
];

/** The largest |found - reference| / (1 + |reference|) allowed for a value and for a gradient, in float32. */
export const CONFORMANCE_TOLERANCE = { forward: 1e-5, gradient: 2e-5 } as const;

/** How one case went. */
export interface ConformanceResult {
  readonly name: string;
  readonly passed: boolean;
  /** The largest relative error of the values; NaN when there are none. */
  readonly forwardError: number;
  /** The largest relative error of the gradients; 0 when not checked. */
  readonly gradientError: number;
  /** What is wrong; empty when passed. */
  readonly problem: string;
}

/** Runs all cases, or those given, on tfjs's current backend. Leaves no tensor behind. */
export function runConformance(cases: readonly ConformanceCase[] = CONFORMANCE_CASES): ConformanceResult[] {
  return cases.map((each) => {
    let result: ConformanceResult | undefined;
    tf.tidy(() => {
      result = runCase(each);
    });
    return result as unknown as ConformanceResult;
  });
}

function runCase(each: ConformanceCase): ConformanceResult {
  const missing = each.missingOn?.includes(tf.getBackend()) ?? false;
  try {
    const forward = compare(each.compute(...each.inputs.map(upload)), each.reference(...each.inputs));
    const gradient = each.gradient && forward.problem === "" ? gradientError(each) : { error: 0, problem: "" };
    let problem = forward.problem || gradient.problem;
    if (problem === "" && !(forward.error <= CONFORMANCE_TOLERANCE.forward))
      problem = `value off by ${forward.error.toExponential(1)}`;
    if (problem === "" && !(gradient.error <= CONFORMANCE_TOLERANCE.gradient))
      problem = `gradient off by ${gradient.error.toExponential(1)}`;
    if (problem === "" && missing) problem = `runs, though it is listed as missing on ${tf.getBackend()}`;
    return {
      name: each.name,
      passed: problem === "",
      forwardError: forward.error,
      gradientError: gradient.error,
      problem,
    };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    const expected = missing && /not registered/.test(message);
    return {
      name: each.name,
      passed: expected,
      forwardError: Number.NaN,
      gradientError: 0,
      problem: expected ? "" : message,
    };
  }
}

function upload(array: NdArray): tf.Tensor {
  return tf.tensor(Float32Array.from(array.data), [...array.shape], "float32");
}

interface Comparison {
  readonly error: number;
  readonly problem: string;
}

function compare(found: tf.Tensor, reference: NdArray): Comparison {
  if (found.shape.join() !== reference.shape.join()) {
    return { error: Number.NaN, problem: `shape [${found.shape}] instead of [${reference.shape}]` };
  }
  return { error: largestError(found.dataSync(), reference.data), problem: "" };
}

function largestError(found: ArrayLike<number>, reference: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < reference.length; i += 1) {
    const [value, expected] = [found[i] ?? Number.NaN, reference[i] ?? Number.NaN];
    const error = Math.abs(value - expected) / (1 + Math.abs(expected));
    // Written so that a NaN counts as the worst.
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/** Compares d/dx Σ w·f(x) with central differences of the float64 reference, w seeded. */
function gradientError(each: ConformanceCase): Comparison {
  const weights = seeded(each.reference(...each.inputs).shape, 7, 0.5, 1.5);
  const inputs = each.inputs.map(upload);
  const loss = (...tensors: tf.Tensor[]): tf.Tensor => tf.sum(tf.mul(each.compute(...tensors), upload(weights)));
  const gradients = tf.grads(loss as (...tensors: tf.Tensor[]) => tf.Tensor)(inputs);
  let worst = 0;
  for (const [i, gradient] of gradients.entries()) {
    const input = each.inputs[i] as NdArray;
    if (gradient.shape.join() !== input.shape.join()) {
      return { error: Number.NaN, problem: `gradient ${i} has shape [${gradient.shape}] instead of [${input.shape}]` };
    }
    const error = largestError(gradient.dataSync(), centralDifferences(each, i, weights));
    if (!(error <= worst)) worst = error;
  }
  return { error: worst, problem: "" };
}

const STEP = 1e-5;

function centralDifferences(each: ConformanceCase, which: number, weights: NdArray): Float64Array {
  const input = each.inputs[which] as NdArray;
  const data = Float64Array.from(input.data);
  const moved = each.inputs.map((array, i) => (i === which ? { shape: input.shape, data } : array));
  const loss = (): number =>
    each.reference(...moved).data.reduce((sum, value, i) => sum + value * (weights.data[i] ?? 0), 0);
  return Float64Array.from({ length: sizeOf(input.shape) }, (_, i) => {
    const here = input.data[i] ?? 0;
    data[i] = here + STEP;
    const above = loss();
    data[i] = here - STEP;
    const below = loss();
    data[i] = here;
    return (above - below) / (2 * STEP);
  });
}
