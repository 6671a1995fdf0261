/** What computes a run in the thread that it is called in. */
import type * as tf from "@tensorflow/tfjs-core";
import { withOutOfMemory } from "@v-triune/backend";
import {
  type Learner,
  type MicroBatchPart,
  type TopTokens,
  type TrainingRow,
  type UpdateStats,
  addInto,
  disposeGradients,
  joinParts,
} from "@v-triune/grpo";
import { eventLoopTurn, type TokenizedRollout } from "@v-triune/policy";
import { type RolloutEngine, createLocalEngine } from "@v-triune/rollouts";
import type { Compute } from "../update/compute";
import type { ComputeOptions } from "./compute-options";

export class ComputeHere implements Compute {
  readonly engine: RolloutEngine;

  constructor(readonly options: Pick<ComputeOptions, "policy" | "learner" | "backend">) {
    this.engine = createLocalEngine(options.policy);
  }

  async logProbs(rows: readonly TokenizedRollout[]): Promise<Float32Array[]> {
    return withOutOfMemory({ backend: this.options.backend }, () => trained(this.options.learner).logProbs(rows));
  }

  async topTokens(rows: readonly TokenizedRollout[], count: number): Promise<TopTokens[]> {
    const { learner, backend } = this.options;
    return withOutOfMemory({ backend }, () => trained(learner).topTokens(rows, count));
  }

  async update(rows: readonly TrainingRow<TokenizedRollout>[]): Promise<UpdateStats> {
    const { backend } = this.options;
    const learner = trained(this.options.learner);
    const plan = learner.parts.plan(rows);
    const gradients: Map<string, tf.Tensor> = new Map();
    const parts: Omit<MicroBatchPart, "gradients">[] = [];
    try {
      for (const batch of plan.microBatches) {
        const { gradients: own, ...part } = withOutOfMemory({ backend }, () => learner.parts.microBatch(batch, plan));
        for (const [name, gradient] of own) addInto(gradients, name, gradient);
        parts.push(part);
        // Servers that answer the next step meanwhile are heard, and asked on.
        await eventLoopTurn();
      }
    } catch (error) {
      disposeGradients(gradients);
      throw error;
    }
    return withOutOfMemory({ backend }, () =>
      learner.parts.apply(learner.parts.complete(plan, joinParts(gradients, parts))),
    );
  }

  async close(): Promise<void> {}
}

/** @throws TypeError where nothing is trained */
export function trained(learner: Learner<TokenizedRollout> | undefined): Learner<TokenizedRollout> {
  if (!learner) throw new TypeError("this policy is not trained");
  return learner;
}
