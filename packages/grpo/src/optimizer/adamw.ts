/**
 * AdamW (arXiv 1711.05101) with torch 2.9's semantics:
 *
 *   p ← p (1 - lr λ);   m ← β1 m + (1 - β1) g;   v ← β2 v + (1 - β2) g²
 *   p ← p - lr / (1 - β1^t) · m / (sqrt(v) / sqrt(1 - β2^t) + ε)           amsgrad: the running maximum of v
 *
 * Computed as 13 tfjs operations per tensor: gradient clipping is folded into the constants of the moments, the bias
 * corrections into the step and ε (lr sqrt(c2)/c1 · m / (sqrt(v) + ε sqrt(c2)), the same number). Nothing is read back.
 * Where a backend has the kernel "VTriuneAdamW" (@v-triune/backend, native), it computes a step in one pass over memory, and
 * rounds a little otherwise.
 *
 * A parameter without a gradient is treated as one whose gradient is 0 (it decays, its momentum runs on), so that a
 * batch without pictures, or one whose rows were left out for lack of signal, gives the same step as one with zeros.
 * torch would skip it.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Scalar, Tensor, Variable } from "@tensorflow/tfjs-core";
import { type ComputeWith, inLists, namedInputs, takesOnePass } from "./one-pass";

/** Settings of {@link AdamW}. Learning rates come with each step. */
export interface AdamWOptions {
  /** β1. Default 0.9. */
  readonly beta1?: number;
  /** β2. Default 0.999. */
  readonly beta2?: number;
  /** ε. Default 1e-8. */
  readonly epsilon?: number;
  /** λ, decoupled. Default 0.01. */
  readonly weightDecay?: number;
  /** What decays: every tensor, or only those of two or more dimensions (not biases and norms). Default "all". */
  readonly decay?: "all" | "matrices";
  /** Use the running maximum of v. Default false. */
  readonly amsgrad?: boolean;
  /**
   * What computes a step: "kernels", one pass over memory by the backend's kernel; "backend", its operations; or "auto",
   * as "kernels". Where there is no kernel, and for amsgrad, operations always do. Default "auto"; a learner's is what
   * computes its policy.
   */
  readonly computeWith?: ComputeWith;
}

/** What one step does to one parameter. */
export interface AdamWTarget {
  readonly name: string;
  readonly variable: Variable;
  /** Its gradient, not disposed here; absent: zero. */
  readonly gradient?: Tensor;
  readonly learningRate: number;
  /** λ for this parameter instead of the common one. */
  readonly weightDecay?: number;
}

/** First and second moments of one parameter, as plain data for a checkpoint. */
export interface MomentState {
  readonly shape: readonly number[];
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Running maximum of v; only with amsgrad. */
  readonly vMax?: Float32Array;
}

/** Everything AdamW remembers. */
export interface AdamWState {
  /** Steps done. */
  readonly step: number;
  readonly moments: Readonly<Record<string, MomentState>>;
}

/** An AdamW optimizer. Holds two tensors per parameter (three with amsgrad) until `dispose`. */
export interface AdamW {
  /** Steps done. */
  readonly stepCount: number;
  readonly computeWith: ComputeWith;
  /**
   * One step over all targets.
   * @param gradientScale factor on every gradient (the clip coefficient). Default 1
   */
  step(targets: readonly AdamWTarget[], gradientScale?: number): void;
  /** The state as data; restoring it continues bit for bit on the same backend. */
  exportState(): AdamWState;
  /** @throws RangeError when a moment's size does not match its shape */
  importState(state: AdamWState): void;
  dispose(): void;
}

const ONE_PASS = "VTriuneAdamW";
/** Numbers of parameters that the kernel takes in one call: old and new ones are there at once, 12 MiB more. */
const TOGETHER = 1 << 20;

interface Moments {
  m: Tensor;
  v: Tensor;
  vMax?: Tensor;
}

/**
 * @example const optimizer = createAdamW({ weightDecay: 0 });
 * @throws RangeError for settings outside their range
 */
export function createAdamW(options: AdamWOptions = {}): AdamW {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, decay = "all", amsgrad = false } = options;
  const { computeWith = "auto" } = options;
  for (const [name, beta] of Object.entries({ beta1, beta2 })) {
    if (!(beta >= 0 && beta < 1)) throw new RangeError(`${name} must lie in [0, 1), found ${beta}`);
  }
  if (!(epsilon >= 0)) throw new RangeError(`epsilon must be ≥ 0, found ${epsilon}`);
  if (!(weightDecay >= 0)) throw new RangeError(`weightDecay must be ≥ 0, found ${weightDecay}`);
  let steps = 0;
  const moments = new Map<string, Moments>();

  function byOperations({ variable, gradient }: AdamWTarget, old: Moments, rates: Rates, constants: Scalars): Tensor[] {
    let m = tf.mul(old.m, constants.beta1);
    let v = tf.mul(old.v, constants.beta2);
    if (gradient) {
      m = tf.add(m, tf.mul(gradient, constants.gradient));
      v = tf.add(v, tf.mul(tf.square(gradient), constants.gradientSquared));
    }
    const vMax = amsgrad ? (old.vMax ? tf.maximum(old.vMax, v) : v.clone()) : undefined;
    const kept = rates.kept === 1 ? variable : tf.mul(variable, rates.kept);
    const change = tf.div(m, tf.add(tf.sqrt(vMax ?? v), constants.epsilon));
    const p = tf.sub(kept, tf.mul(change, rates.step));
    return vMax ? [p, m, v, vMax] : [p, m, v];
  }

  return {
    get stepCount() {
      return steps;
    },
    computeWith,
    step(targets, gradientScale = 1) {
      steps += 1;
      const root2 = Math.sqrt(1 - beta2 ** steps);
      const constants: Constants = {
        beta1,
        beta2,
        gradient: (1 - beta1) * gradientScale,
        gradientSquared: (1 - beta2) * gradientScale * gradientScale,
        epsilon: epsilon * root2,
      };
      const inOnePass = !amsgrad && takesOnePass(ONE_PASS, computeWith);
      const scalars: Scalars = {
        beta1: tf.scalar(constants.beta1),
        beta2: tf.scalar(constants.beta2),
        gradient: tf.scalar(constants.gradient),
        gradientSquared: tf.scalar(constants.gradientSquared),
        epsilon: tf.scalar(constants.epsilon),
      };
      const planned = targets.map((target): Planned => {
        const { name, variable, learningRate } = target;
        const lambda = decay === "all" || variable.rank >= 2 ? (target.weightDecay ?? weightDecay) : 0;
        const rates = { kept: 1 - learningRate * lambda, step: learningRate * (root2 / (1 - beta1 ** steps)) };
        return { target, state: moments.get(name), rates };
      });
      const lists = inOnePass
        ? inLists(planned, ({ target }) => target.variable.size, TOGETHER)
        : planned.map((one) => [one]);
      for (const list of lists) {
        const stepped = tf.tidy(() => {
          const starts = list.map(({ target, state }) => state ?? zeroMoments(target.variable));
          return inOnePass
            ? byKernel(list, starts, constants)
            : [byOperations(list[0]!.target, starts[0]!, list[0]!.rates, scalars)];
        });
        list.forEach(({ target: { name, variable }, state }, i) => {
          const [p, m, v, vMax] = stepped[i] as [Tensor, Tensor, Tensor, Tensor?];
          variable.assign(p);
          p.dispose();
          if (state) disposeMoments(state);
          const kept: Moments = { m: tf.keep(m), v: tf.keep(v) };
          if (vMax) kept.vMax = tf.keep(vMax);
          moments.set(name, kept);
        });
      }
      tf.dispose({ ...scalars });
    },
    exportState() {
      const data: Record<string, MomentState> = {};
      for (const [name, { m, v, vMax }] of moments) {
        data[name] = {
          shape: [...m.shape],
          m: (m.dataSync() as Float32Array).slice(),
          v: (v.dataSync() as Float32Array).slice(),
          ...(vMax ? { vMax: (vMax.dataSync() as Float32Array).slice() } : {}),
        };
      }
      return { step: steps, moments: data };
    },
    importState(state) {
      for (const [name, moment] of Object.entries(state.moments)) {
        const size = moment.shape.reduce((a, b) => a * b, 1);
        for (const values of [moment.m, moment.v, moment.vMax]) {
          if (values && values.length !== size) {
            throw new RangeError(
              `moments of ${name} must have ${size} values (shape ${moment.shape.join(" × ")}), found ${values.length}`,
            );
          }
        }
      }
      for (const moment of moments.values()) disposeMoments(moment);
      moments.clear();
      steps = state.step;
      for (const [name, { shape, m, v, vMax }] of Object.entries(state.moments)) {
        const tensor = (values: Float32Array) => tf.keep(tf.tensor(values.slice(), [...shape], "float32"));
        moments.set(name, { m: tensor(m), v: tensor(v), ...(vMax ? { vMax: tensor(vMax) } : {}) });
      }
    },
    dispose() {
      for (const moment of moments.values()) disposeMoments(moment);
      moments.clear();
    },
  };
}

/** Constants of a step, the same for all parameters. */
interface Constants<Value = number> {
  readonly beta1: Value;
  readonly beta2: Value;
  readonly gradient: Value;
  readonly gradientSquared: Value;
  readonly epsilon: Value;
}

type Scalars = Constants<Scalar>;

/** What of a parameter stays after decay, and lr sqrt(1 - β2^t) / (1 - β1^t). */
interface Rates {
  readonly kept: number;
  readonly step: number;
}

/** A parameter's part in a step. */
interface Planned {
  readonly target: AdamWTarget;
  readonly state: Moments | undefined;
  readonly rates: Rates;
}

/** The new p, m and v of each parameter of a list. */
function byKernel(list: readonly Planned[], starts: readonly Moments[], constants: Constants): Tensor[][] {
  const { beta1, beta2, gradient, gradientSquared, epsilon } = constants;
  const rows = list.flatMap(({ rates }) => [beta1, beta2, gradient, gradientSquared, epsilon, rates.kept, rates.step]);
  const inputs = [
    ...list.map(({ target }) => target.variable),
    ...list.map(({ target }) => target.gradient ?? tf.zerosLike(target.variable)),
    ...starts.map(({ m }) => m),
    ...starts.map(({ v }) => v),
    tf.tensor2d(rows, [list.length, 7], "float32"),
  ];
  const made = tf.engine().runKernel(ONE_PASS, namedInputs(inputs), { count: list.length }) as unknown as Tensor[];
  return list.map((_, i) => [made[i]!, made[list.length + i]!, made[2 * list.length + i]!]);
}

function zeroMoments(variable: Variable): Moments {
  return { m: tf.zerosLike(variable), v: tf.zerosLike(variable) };
}

function disposeMoments(moments: Moments): void {
  moments.m.dispose();
  moments.v.dispose();
  moments.vMax?.dispose();
}
