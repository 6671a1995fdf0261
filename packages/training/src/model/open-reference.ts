import type { TrainingConfig } from "../config/training-config";
import type { Resources } from "../resources";
import { loadModel } from "./load-model";
import { type ReferenceLogProbs, createReferenceLogProbs } from "./reference-policy";

/** The policy that the run begins with, for the KL term; undefined if the configuration has none. */
export async function openReference(
  { model, run, algorithm, rollout, update }: TrainingConfig,
  resources: Resources,
): Promise<ReferenceLogProbs | undefined> {
  if (algorithm.kl.coefficient === 0) return undefined;
  const { policy } = await resources.open(
    loadModel({ ...model, adapter: null }, run.seed, {
      freeze: ["vision", "connector", "language"],
      computeWith: update.computeWith,
    }),
    (opened) => opened.policy.dispose(),
  );
  return createReferenceLogProbs(policy, rollout.temperature, update.microBatchTokens);
}
