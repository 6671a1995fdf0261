/**
 * The conformance kit of the Policy seam: tries on a custom policy what the learner relies on.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { differentiableLoss } from "../losses/differentiable-loss";
import type { Policy, PolicyRow } from "../policy";
import { takeValues } from "../take-values";

/** One property and whether it holds. */
export interface PolicyFinding {
  readonly property: string;
  readonly holds: boolean;
  /** What was seen, when it does not hold. */
  readonly detail: string;
}

/** Settings of {@link checkPolicy}. */
export interface CheckPolicyOptions {
  /** Largest difference between the same log-probability computed in two ways. Default 1e-4. */
  readonly tolerance?: number;
  /** Entries of each parameter whose derivative is compared with a difference quotient. 0 for none. Default 2. */
  readonly entries?: number;
  /** Step of the difference quotient. Default 1e-2 (float32 forward passes need a wide one). */
  readonly step?: number;
}

/**
 * Tries a policy on some rows (two or more, of different lengths).
 * @example expect((await checkPolicy(policy, rows)).filter((finding) => !finding.holds)).toEqual([]);
 */
export async function checkPolicy<Row extends PolicyRow>(
  policy: Policy<Row>,
  rows: readonly Row[],
  options: CheckPolicyOptions = {},
): Promise<PolicyFinding[]> {
  const { tolerance = 1e-4, entries = 2, step = 1e-2 } = options;
  const width = Math.max(...rows.map((row) => row.completionIds.length));
  const read = (some: readonly Row[], w: number) =>
    takeValues(tf.tidy(() => policy.logProbs(some, { width: w }).logProbs));
  const findings: PolicyFinding[] = [];
  const note = (property: string, problem: string | undefined) =>
    findings.push({ property, holds: problem === undefined, detail: problem ?? "" });

  const names = policy.parameters.map((parameter) => parameter.name);
  note("parameters have different names", new Set(names).size === names.length ? undefined : names.join(", "));

  const before = tf.memory().numTensors;
  const together = read(rows, width);
  const wider = tf.tidy(() => policy.logProbs(rows, { width: width + 3 }).logProbs);
  const { shape } = wider;
  const wide = takeValues(wider);
  note(
    "the result is [B, width], whatever width is asked for",
    shape[0] === rows.length && shape[1] === width + 3 ? undefined : `found [${shape.join(", ")}]`,
  );
  note(
    "log-probabilities are at most 0 and finite inside, exactly 0 past the end",
    insideAndPast(rows, width + 3, wide),
  );
  note(
    "the width changes no log-probability",
    difference(rows, { values: together, width }, { values: wide, width: width + 3 }, tolerance),
  );
  const alone = rows.map((row) => read([row], width));
  const singles = new Float32Array(rows.length * width);
  alone.forEach((values, b) => singles.set(values, b * width));
  note(
    "a row alone and in a batch give the same",
    difference(rows, { values: together, width }, { values: singles, width }, tolerance),
  );
  note("entropies are given when asked for, and are not negative", entropyProblem(policy, rows, width));
  const leaked = tf.memory().numTensors - before;
  note("a forward pass leaks no tensor", leaked === 0 ? undefined : `${leaked} tensors`);
  note("derivatives agree with difference quotients", gradientProblem(policy, rows, width, entries, step));
  const left = tf.memory().numTensors - before;
  note("a backward pass leaks no tensor", left === leaked ? undefined : `${left - leaked} tensors`);
  return findings;
}

function insideAndPast(rows: readonly PolicyRow[], width: number, values: Float32Array): string | undefined {
  for (const [b, row] of rows.entries()) {
    for (let t = 0; t < width; t++) {
      const value = values[b * width + t]!;
      const right = t < row.completionIds.length ? value <= 1e-6 && Number.isFinite(value) : value === 0;
      if (!right) return `rows[${b}] token ${t}: ${value}`;
    }
  }
  return undefined;
}

/** One number per token, [B, width]. */
interface TokenValues {
  readonly values: Float32Array;
  readonly width: number;
}

function difference(rows: readonly PolicyRow[], a: TokenValues, b: TokenValues, tolerance: number): string | undefined {
  for (const [r, row] of rows.entries()) {
    for (let t = 0; t < row.completionIds.length; t++) {
      const [x, y] = [a.values[r * a.width + t]!, b.values[r * b.width + t]!];
      if (!(Math.abs(x - y) <= tolerance)) return `rows[${r}] token ${t}: ${x} and ${y}`;
    }
  }
  return undefined;
}

function entropyProblem<Row extends PolicyRow>(
  policy: Policy<Row>,
  rows: readonly Row[],
  width: number,
): string | undefined {
  const entropy = tf.tidy(() => policy.logProbs(rows, { width, entropy: true }).entropy);
  if (!entropy) return "there is none";
  const values = takeValues(entropy);
  const low = [...values].findIndex((value) => !(value >= -1e-5));
  return low < 0 ? undefined : `entry ${low}: ${values[low]}`;
}

function gradientProblem<Row extends PolicyRow>(
  policy: Policy<Row>,
  rows: readonly Row[],
  width: number,
  entries: number,
  step: number,
): string | undefined {
  // Unequal weights, so that errors of opposite sign do not cancel.
  const weights = Float64Array.from({ length: rows.length * width }, (_, i) => 0.5 + ((i * 7) % 5) / 5);
  const total = (values: Float32Array) => values.reduce((sum, value, i) => sum + value * weights[i]!, 0);
  const variables = policy.parameters.map((parameter) => parameter.variable);
  const { value, grads } = tf.engine().gradients(
    () =>
      differentiableLoss({ logProbs: policy.logProbs(rows, { width }).logProbs }, (values) => ({
        loss: total(values),
        logProbGradient: weights,
      })),
    variables,
    undefined,
    true,
  );
  value.dispose();
  const gradients = grads as (Tensor | undefined)[];
  let problem: string | undefined;
  for (const [k, parameter] of policy.parameters.entries()) {
    const found = gradients[k]?.dataSync();
    const original = parameter.variable.dataSync().slice() as Float32Array;
    for (let e = 0; e < Math.min(entries, original.length) && problem === undefined; e++) {
      const at = largestEntry(found, original.length, e);
      const slope =
        (shifted(parameter.variable, original, at, step, measure) -
          shifted(parameter.variable, original, at, -step, measure)) /
        (2 * step);
      const derivative = found?.[at] ?? 0;
      if (!(Math.abs(slope - derivative) <= 0.02 * Math.abs(slope) + 0.02)) {
        problem = `${parameter.name}[${at}]: derivative ${derivative}, difference quotient ${slope}`;
      }
    }
  }
  for (const gradient of gradients) gradient?.dispose();
  return problem;

  function measure(): number {
    return total(takeValues(tf.tidy(() => policy.logProbs(rows, { width }).logProbs)));
  }
}

/** The e-th of a few entries worth trying: the largest derivative first, then entries spread over the tensor. */
function largestEntry(gradient: ArrayLike<number> | undefined, size: number, e: number): number {
  if (e > 0 || !gradient) return Math.floor((e * 0.618 * size) % size);
  let best = 0;
  for (let i = 1; i < size; i++) if (Math.abs(gradient[i]!) > Math.abs(gradient[best]!)) best = i;
  return best;
}

function shifted(variable: tf.Variable, original: Float32Array, at: number, by: number, measure: () => number): number {
  const assign = (values: Float32Array) => tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  const moved = original.slice();
  moved[at]! += by;
  assign(moved);
  const result = measure();
  assign(original.slice());
  return result;
}
