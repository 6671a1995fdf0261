/** The tensors of a model by name: trainable ones are variables, frozen ones constants. */
import * as tf from "@tensorflow/tfjs-core";
import { WeightsError } from "../input-error";
import { addResidual } from "../kernels/add-residual";
import { checkpoint } from "../kernels/checkpoint";
import { linear } from "../kernels/linear";
import { linearWithAdditions, MOST_ADDITIONS } from "../kernels/linear-with-additions";
import { type UpdateKernels, usesOwnOps } from "../kernels/native/own-ops";
import type { LinearOptions } from "../kernels/linear-options";
import { asFloat32, Bfloat16Matrix, type Bfloat16Values, fromBfloat16, type Matrix } from "../kernels/bfloat16-matrix";
import { placeNow } from "./passing-memory";
import type { ParameterGroup, ParameterShape } from "./parameter-shapes";

/** A trainable tensor, as the learner sees it. */
export interface ModelParameter {
  /** See ./parameter-shapes (an adapter's: its name in peft's file). */
  readonly name: string;
  readonly variable: tf.Variable;
  readonly group: ParameterGroup;
  readonly layer?: number;
}

/** A low-rank addition to one linear layer: y += scale · (x Aᵀ) Bᵀ. */
export interface LinearAdapter {
  /** [rank, in]. */
  readonly a: tf.Tensor2D;
  /** [out, rank]. */
  readonly b: tf.Tensor2D;
  readonly scale: number;
}

function elements({ shape }: ParameterShape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/**
 * What adapters add to linear layers that stand side by side; 0 for layers without one. `again`: only its gradients are
 * wanted.
 */
function lowRankAddition(
  x: tf.Tensor2D,
  adapters: readonly (LinearAdapter | undefined)[],
  widths: readonly number[],
  { again, oneDnn }: { readonly again: boolean; readonly oneDnn: boolean },
): tf.Tensor2D {
  const parts = adapters.map((adapter, i): tf.Tensor2D => {
    if (!adapter) return tf.zeros([x.shape[0], widths[i]!]);
    const down = linear(x, [adapter.a], [null], { oneDnn });
    return tf.mul(linear(down, [adapter.b], [null], { value: !again, oneDnn }), adapter.scale);
  });
  return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 1);
}

export class ModelWeights {
  readonly #tensors = new Map<string, tf.Tensor>();
  /** Constant matrices that are kept in bfloat16. */
  readonly #halves = new Map<string, Bfloat16Matrix>();
  /** Adapters by the layer's name without `.weight`. */
  readonly adapters = new Map<string, LinearAdapter>();

  /**
   * Puts every tensor on the backend, the largest first: what lies in memory twice for a moment is then small beside
   * what is loaded already.
   *
   * @param values fetches a tensor's values, one at a time; those in bfloat16 are of a constant matrix and stay so
   * @param frozen whether a tensor is a constant
   * @param computeWith see `VlmOptions.computeWith`
   * @throws WeightsError when values are missing or of another size
   */
  constructor(
    readonly shapes: readonly ParameterShape[],
    values: (shape: ParameterShape) => Float32Array | Bfloat16Values | undefined,
    frozen: (shape: ParameterShape) => boolean,
    readonly computeWith: UpdateKernels = "auto",
  ) {
    try {
      for (const shape of shapes.toSorted((a, b) => elements(b) - elements(a))) {
        const data = values(shape);
        const size = elements(shape);
        const given = data && (data instanceof Float32Array ? data.length : 2 * data.pairs.length);
        if (!data || given !== size) {
          throw new WeightsError({
            what: data
              ? "A tensor has another shape than the configuration asks for."
              : "A tensor is missing from the weights.",
            where: `tensor ${shape.name}`,
            expected: `[${shape.shape.join(", ")}], ${size} values`,
            found: data ? `${given} values` : "nothing",
            fix: "check that the weights belong to this config.json",
          });
        }
        if (!(data instanceof Float32Array)) {
          const matrix = new Bfloat16Matrix(data, shape.shape as [number, number]);
          this.#halves.set(shape.name, matrix);
          placeNow(matrix.stored);
          continue;
        }
        const tensor = tf.keep(tf.tensor(data, [...shape.shape], "float32"));
        placeNow(tensor);
        if (frozen(shape)) this.#tensors.set(shape.name, tensor);
        else {
          this.#tensors.set(shape.name, tf.variable(tensor));
          tensor.dispose();
        }
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Whether norms, attention and SwiGLU are ops of ours beside TensorFlow. */
  get inOneOp(): boolean {
    return usesOwnOps(this.computeWith);
  }

  get(name: string): tf.Tensor {
    const tensor = this.#tensors.get(name);
    if (tensor) return tensor;
    throw new RangeError(
      this.#halves.has(name)
        ? `${name} is kept in bfloat16, and only \`matrix\` gives it`
        : `The model has no tensor named ${name}`,
    );
  }

  vector(name: string): tf.Tensor1D {
    return this.get(name) as tf.Tensor1D;
  }

  matrix(name: string): Matrix {
    return this.#halves.get(name) ?? (this.get(name) as tf.Tensor2D);
  }

  has(name: string): boolean {
    return this.#tensors.has(name) || this.#halves.has(name);
  }

  /** A tensor's own values, without an adapter, as they are kept. */
  stored(name: string): Float32Array | Bfloat16Values {
    return this.#halves.get(name)?.values() ?? (this.get(name).dataSync() as Float32Array);
  }

  /** Trainable tensors of the checkpoint in its order. */
  parameters(): ModelParameter[] {
    return this.shapes.flatMap(({ name, group, layer }) => {
      const variable = this.#tensors.get(name);
      if (!(variable instanceof tf.Variable)) return [];
      return [layer === undefined ? { name, variable, group } : { name, variable, group, layer }];
    });
  }

  /** Everything trained whose name starts so, adapters included. */
  variablesUnder(prefix: string): tf.Variable[] {
    const own = [...this.#tensors].filter(([name]) => name.startsWith(prefix)).map(([, tensor]) => tensor);
    const adapters = [...this.adapters].filter(([name]) => name.startsWith(prefix)).flatMap(([, { a, b }]) => [a, b]);
    return [...own, ...adapters].filter((tensor): tensor is tf.Variable => tensor instanceof tf.Variable);
  }

  /** Whether anything in the vision tower or its merger is trained, itself or by an adapter. */
  trainsVision(): boolean {
    return this.shapes.some(
      ({ name, group }) =>
        group !== "language" &&
        (this.#tensors.get(name) instanceof tf.Variable || this.adapters.has(name.slice(0, -".weight".length))),
    );
  }

  /** Linear layers over one input, side by side, with their biases and adapters. Names without `.weight`. */
  project(x: tf.Tensor2D, names: readonly string[], options?: LinearOptions): tf.Tensor2D {
    const weights = names.map((name) => this.matrix(`${name}.weight`));
    const biases = names.map((name) => (this.has(`${name}.bias`) ? this.vector(`${name}.bias`) : null));
    const adapters = names.map((name) => this.adapters.get(name));
    const settings = { ...options, oneDnn: this.inOneOp };
    const none = adapters.every((adapter) => adapter === undefined);
    if (!none && this.inOneOp && names.length <= MOST_ADDITIONS && options?.inputGradient !== false)
      return linearWithAdditions(x, weights, biases, adapters, settings);
    const base = linear(x, weights, biases, settings);
    if (none) return base;
    const widths = weights.map(({ shape }) => shape[0]);
    const variables = adapters
      .flatMap((adapter) => (adapter ? [adapter.a, adapter.b] : []))
      .filter((matrix): matrix is tf.Variable<tf.Rank.R2> => matrix instanceof tf.Variable);
    // Computed again in the backward pass: two thin products cost less than what their steps would keep until then.
    const oneDnn = this.inOneOp;
    const addition = checkpoint(x, [], variables, (x, _, again) =>
      lowRankAddition(x, adapters, widths, { again, oneDnn }),
    );
    return addResidual(base, addition);
  }

  /** A linear layer's weight with its adapter merged in, [out, in]; a new tensor. Name without `.weight`. */
  effectiveMatrix(name: string): tf.Tensor2D {
    const matrix = this.matrix(`${name}.weight`);
    const adapter = this.adapters.get(name);
    return tf.tidy(() => {
      const weight = asFloat32(matrix);
      return adapter ? tf.add(weight, tf.mul(tf.matMul(adapter.b, adapter.a), adapter.scale)) : tf.clone(weight);
    });
  }

  /** The first tensor (adapters included) with a value that is not finite, for messages; reads everything back. */
  findNotFinite(): string | undefined {
    const named: (readonly [string, tf.Tensor])[] = [
      ...this.#tensors,
      ...[...this.adapters].flatMap(
        ([name, { a, b }]) =>
          [
            [`${name}.lora_A`, a],
            [`${name}.lora_B`, b],
          ] as const,
      ),
    ];
    const finite = (values: Float32Array): boolean => values.every(Number.isFinite);
    return (
      named.find(([, tensor]) => !finite(tensor.dataSync() as Float32Array))?.[0] ??
      [...this.#halves].find(([, matrix]) => !finite(fromBfloat16(matrix.values())))?.[0]
    );
  }

  /** A tensor's values with its adapter merged in, read back. */
  async values(name: string): Promise<Float32Array> {
    const linear = name.slice(0, -".weight".length);
    if (!this.adapters.has(linear)) {
      const half = this.#halves.get(name);
      return half ? fromBfloat16(half.values()) : ((await this.get(name).data()) as Float32Array);
    }
    const merged = this.effectiveMatrix(linear);
    const values = (await merged.data()) as Float32Array;
    merged.dispose();
    return values;
  }

  dispose(): void {
    tf.dispose([...this.#tensors.values()]);
    for (const matrix of this.#halves.values()) matrix.dispose();
    tf.dispose([...this.adapters.values()].flatMap(({ a, b }) => [a, b]));
    this.#tensors.clear();
    this.#halves.clear();
    this.adapters.clear();
  }
}
