/**
 * Whole GRPO updates against PyTorch: advantages → loss → gradients → clipping → AdamW → weights → greedy answers, on a
 * small Qwen2.5-VL, for every scenario of a folder (on-policy, off-policy, micro-batches, learning rates by module, stale
 * log-probabilities, LoRA, KL and entropy). Tolerances: grpo-step-tolerances.ts.
 */
import * as tf from "@tensorflow/tfjs-core";
import { createLearner, groupAdvantages, ppoClip, type Learner } from "@v-triune/grpo";
import { Comparison, type ParityRow } from "@v-triune/grpo/parity";
import { loadVlm, type TokenizedRollout, type UpdateKernels, type VlmPolicy } from "@v-triune/policy";
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

export { recognizeGrpoStep } from "./grpo-step-files";

/** The check as `npm run parity` lists it. */
export const grpoStepParity = {
  name: "whole GRPO updates",
  recognize: recognizeGrpoStep,
  check: (folder: string) => checkGrpoStep(folder),
} as const;

/** The layers that the golden adapters are on; B starts at 0, A as the batch says. */
export const LORA_TARGETS = ".*language_model.*\\.(q_proj|v_proj)";

/**
 * Runs the scenarios of a folder.
 * @param only names of the scenarios to run; default all
 * @param computeWith see `VlmOptions.computeWith`
 * @returns the largest error by scenario and quantity
 * @throws Error when the model that the folder was made with is nowhere to be found
 */
export async function checkGrpoStep(
  folder: string,
  only?: readonly string[],
  computeWith: UpdateKernels = "auto",
): Promise<ParityRow[]> {
  const batch = readGoldenBatch(folder);
  const rows: ParityRow[] = [];
  for (const [name, scenario] of readScenarios(folder)) {
    if (only && !only.includes(name)) continue;
    const comparison = new Comparison();
    await runScenario(batch, scenario, computeWith, comparison);
    rows.push(...comparison.rows().map((row) => ({ ...row, quantity: `${name}: ${row.quantity}` })));
  }
  return rows;
}

async function runScenario(
  batch: GoldenBatch,
  scenario: Scenario,
  computeWith: UpdateKernels,
  comparison: Comparison,
): Promise<void> {
  const { config } = scenario;
  const policy = await loadPolicy(batch, scenario, computeWith);
  const rates = Object.values(config.lr);
  const tolerances = stepTolerances(Math.max(...rates), config.lora);
  const context = { batch, scenario, tolerances, comparison };
  const names = policy.parameters.map((parameter) => parameter.name).sort();
  const trained = [...scenario.trained].sort();
  comparison.error("trained parameters", "", names.join() === trained.join() ? 0 : 1, 0, `found ${names.join(" ")}`);
  const initial = new Map(
    policy.parameters.map(({ name, variable }) => [name, variable.dataSync().slice() as Float32Array]),
  );
  const learner = learnerOf(policy, scenario);
  const rewards = batch.rewards[config.rewards]!;
  const advantages = groupAdvantages(rewards, batch.groups);
  const scored = rewards.map((reward) => reward !== null);
  scenario.advantages.forEach((expected, i) => {
    const error = expected === null ? (scored[i] ? Infinity : 0) : Math.abs(advantages[i]! - expected);
    comparison.error("advantages", `row ${i}`, error, 1e-8);
  });
  const old = config.old === "stale" ? batch.staleLogProbs : batch.oldLogProbs;
  for (const [k, step] of scenario.steps.entries()) {
    const part = learner.parts.contribution(
      step.rows.map((i) => ({
        row: batch.rows[i]!,
        advantage: scored[i] ? advantages[i]! : null,
        oldLogProbs: old[i]!,
        refLogProbs: batch.oldLogProbs[i]!,
      })),
    );
    if (k === 0) compareGradients(context, part.gradients);
    const stats = learner.parts.apply(part);
    compareStats(context, k, stats);
    compareLogProbs(context, k, stats, scored);
    compareParameters(context, k, policy, initial);
  }
  compareMoments(context, learner);
  compareFinalLogProbs(context, learner.logProbs(batch.rows));
  await compareGreedy(context, policy);
  learner.dispose();
  policy.dispose();
}

async function loadPolicy(batch: GoldenBatch, scenario: Scenario, computeWith: UpdateKernels): Promise<VlmPolicy> {
  const { config } = scenario;
  const modules = Object.keys(GROUPS) as (keyof typeof GROUPS)[];
  const freeze = modules.filter((module) => !config.train.includes(module)).map((module) => GROUPS[module]);
  if (!config.lora) return loadVlm(batch.modelFolder, { freeze, computeWith });
  const { r: rank, alpha } = batch.lora;
  const policy = await loadVlm(batch.modelFolder, {
    freeze,
    computeWith,
    adapter: { rank, alpha, targetModules: LORA_TARGETS },
  });
  for (const { name, variable } of policy.parameters) {
    const values = batch.loraInitial.get(name);
    if (values) tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  return policy;
}

function learnerOf(policy: VlmPolicy, { config }: Scenario): Learner<TokenizedRollout> {
  return createLearner<TokenizedRollout>({
    policy,
    optimizer: {
      learningRate: Math.max(...Object.values(config.lr)),
      beta1: config.betas[0],
      beta2: config.betas[1],
      epsilon: config.eps,
      weightDecay: config.weight_decay,
      decay: config.decay,
    },
    schedule: { kind: "constant", warmupSteps: config.warmup_steps },
    groups: Object.fromEntries(config.train.map((module) => [GROUPS[module], { learningRate: config.lr[module]! }])),
    maxGradNorm: config.max_grad_norm,
    objective: {
      policyLoss: ppoClip({
        clipLow: config.clip_ratio_low,
        clipHigh: config.clip_ratio_high,
        dualClip: config.clip_ratio_c,
      }),
      kl: { coefficient: config.kl_coef, estimator: "k3" },
      entropyCoefficient: config.entropy_coef,
    },
    ...(config.micro_batch_sizes ? { microBatch: { rows: Math.max(...config.micro_batch_sizes) } } : {}),
    measureEntropy: true,
    forwardRowsWithoutSignal: true,
  });
}
