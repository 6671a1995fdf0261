/**
 * The golden training steps through the trainer's own path: a configuration as a person writes it → `loadPolicy`,
 * `learnerConfig`, `openCompute` → rollouts with verdicts → `updateFromRollouts`. What the scenarios fix and a trainer
 * computes itself (advantages, π_old, π_ref, the learning rate of each update) is not handed in, but compared.
 *
 * Left to the learner's own check (grpo-step.ts): updates of parts of groups and decay of matrices only, which no
 * configuration asks for. π_old of a stale policy is handed in where the trainer would compute it.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendName } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { Comparison, type ParityRow } from "@v-triune/grpo/parity";
import type { RewardResult } from "@v-triune/rewards";
import type { Rollout } from "@v-triune/rollouts";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfig } from "../config/training-config";
import { openCompute } from "../parallel/open-compute";
import type { Compute } from "../update/compute";
import { frozenGroups, learnerConfig } from "../update/learner-config";
import { loadPolicy } from "../model/load-model";
import { createReferenceLogProbs } from "../model/reference-policy";
import { updateWeights } from "../run/sample-to-gradient";
import { LORA_TARGETS } from "./grpo-step";
import {
  compareGradients,
  compareFinalLogProbs,
  compareGreedy,
  compareLogProbs,
  compareMoments,
  compareParameters,
  compareStats,
  GROUPS,
} from "./grpo-step-comparison";
import { readGoldenBatch, readScenarios, recognizeGrpoStep, type GoldenBatch, type Scenario } from "./grpo-step-files";
import { stepTolerances } from "./grpo-step-tolerances";

/** The check as `npm run parity` lists it. */
export const trainerStepParity = {
  name: "whole GRPO updates, through the trainer's own path",
  recognize: recognizeGrpoStep,
  check: (folder: string) => checkGrpoStepOfTrainer(folder, tf.getBackend() as BackendName, 1),
} as const;

/** Whether a configuration can ask for a scenario's updates. */
export function isTrainerScenario({ config }: Scenario): boolean {
  return (
    config.decay === "all" &&
    config.updates.every((rows) => rows.length === config.updates[0]!.length && rows.every((row, i) => row === i))
  );
}

/** What is measured over rows that the trainer leaves out of the forward pass, as they teach nothing. */
const OVER_ALL_ROWS = new Set([
  "entropy",
  "ppo_kl",
  "ratios (relative)",
  "log-probabilities, step 1",
  "log-probabilities, later steps",
]);

/**
 * Runs the scenarios of a folder that a configuration can ask for.
 *
 * @param workers threads that compute, on a backend that has one
 * @returns the largest error by scenario and quantity
 */
export async function checkGrpoStepOfTrainer(
  folder: string,
  backend: BackendName,
  workers: number,
  only?: readonly string[],
): Promise<ParityRow[]> {
  const batch = readGoldenBatch(folder);
  const rows: ParityRow[] = [];
  for (const [name, scenario] of readScenarios(folder)) {
    if (!isTrainerScenario(scenario) || (only && !only.includes(name))) continue;
    const comparison = new Comparison();
    const config = configOf(batch, scenario);
    await runScenario(batch, scenario, config, { backend, workers }, comparison);
    const withKl = config.algorithm.kl.coefficient !== 0;
    const skipsRows = !withKl && config.algorithm.entropyCoefficient === 0 && scenario.advantages.includes(0);
    // Without a KL term a trainer holds no reference to measure it against.
    const measured = comparison
      .rows()
      .filter(({ quantity }) => (withKl || quantity !== "kl") && !(skipsRows && OVER_ALL_ROWS.has(quantity)));
    rows.push(...measured.map((row) => ({ ...row, quantity: `${name}: ${row.quantity}` })));
  }
  return rows;
}

/** The scenario as a person would write it. */
function configOf(batch: GoldenBatch, { config }: Scenario): TrainingConfig {
  const prompts = new Set(batch.groups).size;
  const group = (module: keyof typeof GROUPS) => ({
    freeze: !config.train.includes(module),
    ...(config.lr[module] === undefined ? {} : { lr: config.lr[module] }),
  });
  return resolveTrainingConfig({
    model: {
      path: batch.modelFolder,
      adapter: config.lora ? { rank: batch.lora.r, alpha: batch.lora.alpha, targetModules: LORA_TARGETS } : null,
    },
    data: { train: "none" },
    run: { steps: 1 },
    rollout: { promptsPerStep: prompts, n: batch.rows.length / prompts, maxNewTokens: batch.width },
    // One batch of rollouts for all updates, as the scenarios have it.
    update: { epochs: config.updates.length, ...(config.micro_batch_sizes ? { microBatchTokens: 100 } : {}) },
    algorithm: {
      clipLow: config.clip_ratio_low,
      clipHigh: config.clip_ratio_high,
      dualClip: config.clip_ratio_c,
      kl: { coefficient: config.kl_coef, estimator: "k3", in: "loss" },
      entropyCoefficient: config.entropy_coef,
    },
    optimizer: {
      lr: Math.max(...Object.values(config.lr)),
      betas: [...config.betas],
      eps: config.eps,
      weightDecay: config.weight_decay,
      maxGradNorm: config.max_grad_norm,
      schedule: "constant",
      warmupRatio: config.warmup_steps / config.updates.length,
      groups: { vision: group("vision"), connector: group("merger"), language: group("language") },
    },
  });
}

interface Machine {
  readonly backend: BackendName;
  readonly workers: number;
}

async function runScenario(
  batch: GoldenBatch,
  scenario: Scenario,
  config: TrainingConfig,
  { backend, workers }: Machine,
  comparison: Comparison,
): Promise<void> {
  const tolerances = stepTolerances(Math.max(...Object.values(scenario.config.lr)), scenario.config.lora);
  const context = { batch, scenario, tolerances, comparison };
  const policy = await loadPolicy(config.model, config.run.seed, { freeze: frozenGroups(config) });
  for (const { name, variable } of scenario.config.lora ? policy.parameters : []) {
    const values = batch.loraInitial.get(name);
    if (values) tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  const reference =
    config.algorithm.kl.coefficient === 0
      ? undefined
      : await loadPolicy({ ...config.model, adapter: null }, config.run.seed, {
          freeze: ["vision", "connector", "language"],
        });
  const learner = createLearner(learnerConfig(config, policy));
  const compute = await openCompute({
    policy,
    learner,
    config,
    backend,
    workers,
    onProblem: (message) => comparison.error("problems", message, 1, 0),
  });
  const initial = new Map(
    policy.parameters.map(({ name, variable }) => [name, variable.dataSync().slice() as Float32Array]),
  );
  const scored = batch.rewards[scenario.config.rewards]!.map((reward) => reward !== null);
  let update = 0;
  const watched: Pick<Compute, "logProbs" | "update"> = {
    logProbs: async (rows) => {
      const values = await compute.logProbs(rows);
      values.forEach((found, i) =>
        comparison.error(
          "π_old",
          `row ${i}`,
          Math.max(0, ...found.map((value, t) => Math.abs(value - batch.oldLogProbs[i]![t]!))),
          tolerances.firstLogProbs,
        ),
      );
      return scenario.config.old === "stale" ? [...batch.staleLogProbs] : values;
    },
    update: async (rows) => {
      if (update === 0) {
        const { gradients } = learner.parts.contribution(rows);
        compareGradients(context, gradients);
        for (const gradient of gradients.values()) gradient.dispose();
      }
      const stats = await compute.update(rows);
      compareStats(context, update, stats);
      compareLogProbs(context, update, stats, scored);
      compareParameters(context, update, policy, initial);
      update += 1;
      return stats;
    },
  };
  try {
    const referenceLogProbs =
      reference && createReferenceLogProbs(reference, config.rollout.temperature, config.update.microBatchTokens);
    const { advantages } = await updateWeights(
      1,
      { rollouts: rolloutsOf(batch, scenario), dropped: new Set() },
      { config, compute: watched, referenceLogProbs, foreignLogProbs: false },
    );
    scenario.advantages.forEach((expected, i) => {
      const found = advantages[i] ?? null;
      comparison.error(
        "advantages",
        `row ${i}`,
        expected === null || found === null ? (expected === found ? 0 : Infinity) : Math.abs(found - expected),
        1e-8,
      );
    });
    comparison.error("updates", "", Math.abs(update - scenario.steps.length), 0);
    compareMoments(context, learner);
    compareFinalLogProbs(context, await compute.logProbs(batch.rows));
    await compareGreedy(context, policy);
  } finally {
    await compute.close();
    learner.dispose();
    policy.dispose();
    reference?.dispose();
  }
}

function rolloutsOf(batch: GoldenBatch, scenario: Scenario): Rollout[] {
  const rewards = batch.rewards[scenario.config.rewards]!;
  return batch.rows.map((row, i): Rollout => {
    const reward = rewards[i]!;
    const result = (reward === null
      ? { index: i, status: "skipped", reason: "no gold" }
      : { index: i, status: "scored", reward, accuracy: reward, format: 0, metrics: {} }) as unknown as RewardResult;
    const group = batch.groups[i]!;
    const sample = { data_source: "golden" } as Rollout["prompt"]["sample"];
    const prompt = {
      id: `golden/${group}`,
      sample,
      messages: [],
      text: "",
      promptIds: row.promptIds,
      ...(row.images ? { images: row.images } : {}),
    };
    return {
      prompt,
      promptIndex: group,
      sampleIndex: i,
      completionIds: row.completionIds,
      generatedTokens: row.completionIds.length,
      strippedTokens: 0,
      truncated: false,
      response: "",
      result,
    };
  });
}
