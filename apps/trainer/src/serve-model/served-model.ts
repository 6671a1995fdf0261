/**
 * A model that clients train: a policy, its optimizer, and the gradients that wait for the next step. A pass that fails
 * adds nothing. Between micro-batches other requests are heard.
 */
import { setImmediate } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-core";
import {
  type AdamW,
  type AdamWState,
  type Gradients,
  addInto,
  clipCoefficient,
  createAdamW,
  disposeGradients,
  evaluateLogProbs,
  planMicroBatches,
  policyGradients,
  sumOfSquares,
} from "@v-triune/grpo";
import type { VlmPolicy } from "@v-triune/policy";
import type { LossFunction } from "./losses";
import type { PassRow } from "./read-input";
import type { AdamParams } from "./request-bodies";
import { RequestRefusal } from "./request-refusal";

/** What a pass gives of each row, as long as the row's input: 0 before the first position that counts. */
export interface PassResult {
  readonly logProbs: readonly Float32Array[];
  readonly lossSum: number;
}

export interface StepResult {
  /** Before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
}

/** Trained values by name. */
export type Values = ReadonlyMap<string, Float32Array>;

const DEFAULT_ADAM = { learning_rate: 1e-4, beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0 };

export class ServedModel {
  #policy: VlmPolicy;
  #optimizer: AdamW;
  #betas = "";
  readonly #gradients: Gradients = new Map();
  #version = 0;

  constructor(
    policy: VlmPolicy,
    readonly microBatchTokens: number,
  ) {
    this.#policy = policy;
    this.#optimizer = createAdamW({ weightDecay: 0 });
  }

  get policy(): VlmPolicy {
    return this.#policy;
  }

  /** Rises with each change of the weights. */
  get version(): number {
    return this.#version;
  }

  get optimizerState(): AdamWState {
    return this.#optimizer.exportState();
  }

  async forward(rows: readonly PassRow[], loss: LossFunction): Promise<PassResult> {
    const logProbs: Float32Array[] = rows.map(() => new Float32Array());
    for (const batch of this.#microBatches(rows)) {
      const some = batch.map((index) => rows[index]!);
      const found = evaluateLogProbs(
        this.#policy,
        some.map(({ row }) => row),
        undefined,
        1,
      );
      batch.forEach((index, b) => (logProbs[index] = found[b]!));
      await setImmediate();
    }
    return result(rows, logProbs, loss);
  }

  async forwardBackward(rows: readonly PassRow[], loss: LossFunction): Promise<PassResult> {
    const logProbs: Float32Array[] = rows.map(() => new Float32Array());
    const added: Gradients = new Map();
    try {
      for (const batch of this.#microBatches(rows)) {
        const some = batch.map((index) => rows[index]!);
        const width = Math.max(1, ...some.map(({ row }) => row.completionIds.length));
        const gradients = policyGradients(
          this.#policy,
          this.#policy.parameters,
          some.map(({ row }) => row),
          { width },
          (values) => {
            const logProbGradient = new Float64Array(values.length);
            let sum = 0;
            some.forEach((row, b) => {
              const own = values.slice(b * width, b * width + row.row.completionIds.length);
              logProbs[batch[b]!] = own;
              own.forEach((logProb, t) => {
                const token = loss.token({ logProb, old: row.old[t]!, advantage: row.advantages[t]! });
                if (row.weights[t] === 0) return;
                sum += row.weights[t]! * token.loss;
                logProbGradient[b * width + t] = row.weights[t]! * token.gradient;
              });
            });
            if (!Number.isFinite(sum)) throw new RequestRefusal(400, "the loss is not finite; nothing was added");
            return { loss: sum, logProbGradient };
          },
        );
        for (const [name, gradient] of gradients) addInto(added, name, gradient);
        await setImmediate();
      }
    } catch (error) {
      disposeGradients(added);
      throw error;
    }
    for (const [name, gradient] of added) addInto(this.#gradients, name, gradient);
    return result(rows, logProbs, loss);
  }

  /** One step by the accumulated gradients, which are gone then, whatever comes of it. */
  optimStep(given: AdamParams): StepResult {
    const adam = { ...DEFAULT_ADAM, ...given };
    const { parameters } = this.#policy;
    try {
      const squares = parameters.map(({ name }) => {
        const gradient = this.#gradients.get(name);
        return gradient ? sumOfSquares(gradient) : 0;
      });
      const gradNorm = Math.sqrt(squares.reduce((a, b) => a + b, 0));
      if (!Number.isFinite(gradNorm))
        throw new RequestRefusal(400, "the gradient is not finite; it is dropped, and the weights stay as they are");
      const clip = clipCoefficient(gradNorm, adam.grad_clip_norm > 0 ? adam.grad_clip_norm : null);
      this.#useBetas(adam);
      this.#optimizer.step(
        parameters.map(({ name, variable }) => {
          const gradient = this.#gradients.get(name);
          const target = { name, variable, learningRate: adam.learning_rate, weightDecay: adam.weight_decay };
          return gradient ? { ...target, gradient } : target;
        }),
        clip,
      );
      this.#version += 1;
      return { gradNorm, learningRate: adam.learning_rate };
    } finally {
      disposeGradients(this.#gradients);
    }
  }

  /** The trained values as they are now. */
  values(): Values {
    return new Map(
      this.#policy.parameters.map(({ name, variable }) => [name, (variable.dataSync() as Float32Array).slice()]),
    );
  }

  /** Does some work with other values in place of the present ones. */
  async withValues<T>(values: Values, work: () => Promise<T>): Promise<T> {
    const own = this.values();
    try {
      this.#assign(values);
      return await work();
    } finally {
      this.#assign(own);
    }
  }

  /** Goes on from a policy that was saved; this model then owns it. */
  replace(policy: VlmPolicy, state: AdamWState | undefined): void {
    disposeGradients(this.#gradients);
    this.#policy.dispose();
    this.#optimizer.dispose();
    this.#policy = policy;
    this.#optimizer = createAdamW({ weightDecay: 0 });
    this.#betas = "";
    if (state) this.#optimizer.importState(state);
    this.#version += 1;
  }

  dispose(): void {
    disposeGradients(this.#gradients);
    this.#optimizer.dispose();
    this.#policy.dispose();
  }

  /** β and ε come with each step; the optimizer has them from its start. */
  #useBetas({ beta1, beta2, eps }: Required<AdamParams>): void {
    const key = `${beta1} ${beta2} ${eps}`;
    if (key === this.#betas) return;
    const state = this.#optimizer.exportState();
    this.#optimizer.dispose();
    this.#optimizer = createAdamW({ beta1, beta2, epsilon: eps, weightDecay: 0 });
    this.#optimizer.importState(state);
    this.#betas = key;
  }

  #assign(values: Values): void {
    for (const { name, variable } of this.#policy.parameters) {
      const value = tf.tensor(values.get(name)!, variable.shape, "float32");
      variable.assign(value);
      value.dispose();
    }
  }

  #microBatches(rows: readonly PassRow[]): number[][] {
    return planMicroBatches(
      rows.map(({ row }) => row.completionIds.length),
      { tokens: this.microBatchTokens },
      (indices) => this.#policy.tokenCount(indices.map((index) => rows[index]!.row)),
    );
  }
}

function result(rows: readonly PassRow[], computed: readonly Float32Array[], loss: LossFunction): PassResult {
  let lossSum = 0;
  const spread = (from: number, values: Float32Array): Float32Array => {
    const all = new Float32Array(from + values.length);
    all.set(values, from);
    return all;
  };
  rows.forEach((row, index) =>
    computed[index]!.forEach((logProb, t) => {
      if (row.weights[t] === 0) return;
      lossSum += row.weights[t]! * loss.token({ logProb, old: row.old[t]!, advantage: row.advantages[t]! }).loss;
    }),
  );
  return { logProbs: rows.map((row, index) => spread(row.from, computed[index]!)), lossSum };
}
