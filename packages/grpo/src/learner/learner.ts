/**
 * The learner: one update from scored rollouts to new weights.
 *
 *   rows → checked, corrected, counted (N, S of the whole update) → micro-batches by length
 *        → each: log-probabilities, loss share, gradients; added up, no clipping in between
 *        → norms by module and layer, one clip coefficient → AdamW with a learning rate a group
 *
 * The result does not depend on how the rows were split (beyond float32 rounding of the sums). Rows whose advantage is 0
 * everywhere are not sent through the model unless a KL term, an entropy bonus or the loss itself would move them: they
 * count in N and S all the same. A failed update changes nothing.
 */
import { LearnerConfigError, TrainingDivergedError } from "../errors";
import type { BatchCounts } from "../losses/aggregation";
import type { ObjectiveConfig } from "../losses/objective";
import { policyGradient } from "../losses/policy-gradient";
import { createAdamW, type AdamWOptions, type AdamWState } from "../optimizer/adamw";
import { clipCoefficient, gradientNorms, sumOfSquares } from "../optimizer/gradient-norms";
import { scheduledLearningRate, type ScheduleConfig } from "../optimizer/schedule";
import type { Policy, PolicyParameter, PolicyRow } from "../policy";
import {
  contribute,
  countRows,
  disposeGradients,
  microBatchPart,
  type Contribution,
  type ContributionSettings,
  type MicroBatchPart,
  type UpdatePlan,
  type UpdateSizes,
} from "./contribution";
import { evaluateLogProbs, planRows } from "./evaluate-log-probs";
import type { MicroBatchLimits } from "./micro-batches";
import { correctRows, needsOldLogProbs, type RolloutCorrectionConfig } from "./rollout-correction";
import { prepareRows, type PreparedRow, type TrainingRow } from "./training-row";
import { updateStats, type UpdateStats } from "./update-stats";

/** How one group of parameters is trained. */
export interface LearnerGroupConfig {
  /** Base learning rate instead of the common one. */
  readonly learningRate?: number;
  /** Schedule instead of the common one. */
  readonly schedule?: ScheduleConfig;
  /** Weight decay instead of the common one. */
  readonly weightDecay?: number;
  /** Leave the group as it is: no gradient, no decay. */
  readonly frozen?: boolean;
}

/** Settings of {@link createLearner}. */
export interface LearnerConfig<Row extends PolicyRow> {
  readonly policy: Policy<Row>;
  /** AdamW and the base learning rate. */
  readonly optimizer: AdamWOptions & { readonly learningRate: number };
  /** Learning-rate schedule over updates; constant without warm-up unless told. */
  readonly schedule?: ScheduleConfig;
  /** By group name, e.g. `{ vision: { frozen: true }, language: { learningRate: 1e-6 } }`. */
  readonly groups?: Readonly<Record<string, LearnerGroupConfig>>;
  /** Largest global gradient norm; 1 unless told, null for no clipping. */
  readonly maxGradNorm?: number | null;
  /** What is minimised; PPO clip-higher with dual clip, token-mean, no KL, no entropy bonus unless told. */
  readonly objective?: ObjectiveConfig;
  /** Correction of rollouts from another engine. */
  readonly correction?: RolloutCorrectionConfig;
  readonly microBatch?: MicroBatchLimits;
  /** Sampling temperature of the rollouts; 1 unless told. */
  readonly temperature?: number;
  /** Send rows without signal through the model all the same, for their diagnostics; false unless told. */
  readonly forwardRowsWithoutSignal?: boolean;
  /** Measure the entropy also when it has no coefficient (costs a pass over the logits); false unless told. */
  readonly measureEntropy?: boolean;
}

/** What a checkpoint needs besides the weights. */
export interface LearnerState {
  readonly optimizer: AdamWState;
}

/** A learner; see {@link createLearner}. */
export interface Learner<Row extends PolicyRow> {
  /** Updates done. */
  readonly step: number;
  /** One update. @throws LearnerConfigError, TrainingDivergedError; the weights are untouched then */
  update(rows: readonly TrainingRow<Row>[]): UpdateStats;
  /** One supervised update: cross-entropy of the completion tokens, mean over tokens; `weight` scales a row. */
  supervised(rows: readonly SupervisedRow<Row>[]): UpdateStats;
  /** Log-probabilities of each row's completion under the present weights, no gradient: π_old, or π_ref of a frozen copy. */
  logProbs(rows: readonly Row[]): Float32Array[];
  /**
   * The parts of `update` one by one, for threads that share its micro-batches: `plan`, each micro-batch by whoever has the
   * same weights and settings, `joinParts` in the order of the plan, `complete`, `apply`.
   */
  plan(rows: readonly TrainingRow<Row>[], counts?: BatchCounts): UpdatePlan<Row>;
  microBatch(
    rows: UpdatePlan<Row>["microBatches"][number],
    plan: Pick<UpdatePlan<Row>, "counts" | "step">,
  ): MicroBatchPart;
  /** A contribution with what the plan knows of the whole update. */
  complete(plan: UpdatePlan<Row>, part: Contribution): Contribution & UpdateSizes;
  /** First half of `update`: gradients only. `counts` are those of the whole update when these rows are a part of it. */
  contribution(rows: readonly TrainingRow<Row>[], counts?: BatchCounts): Contribution & UpdateSizes;
  /** Second half of `update`: norms, clipping, AdamW. Takes over and frees the gradients. */
  apply(contribution: Contribution & UpdateSizes): UpdateStats;
  exportState(): LearnerState;
  importState(state: LearnerState): void;
  /** Frees the optimizer's tensors; the policy's stay. */
  dispose(): void;
}

/** A row for {@link Learner.supervised}. */
export interface SupervisedRow<Row extends PolicyRow> {
  readonly row: Row;
  /** 1 for tokens to learn, 0 for others; all unless told. */
  readonly mask?: ArrayLike<number>;
  /** Factor on the row's loss; 1 unless told. */
  readonly weight?: number;
}

/**
 * @example
 * const learner = createLearner({ policy, optimizer: { learningRate: 1e-6 }, microBatch: { tokens: 4096 } });
 * const stats = learner.update(rollouts.map((row, i) => ({ row, advantage: advantages[i] })));
 * @throws LearnerConfigError for settings that can't be trained with
 */
export function createLearner<Row extends PolicyRow>(config: LearnerConfig<Row>): Learner<Row> {
  const { policy, objective = {}, correction } = config;
  const groups = config.groups ?? {};
  const parameters = trainedParameters(policy, groups);
  checkNumbers(config);
  const { learningRate: baseRate, ...adamOptions } = config.optimizer;
  const optimizer = createAdamW(adamOptions);
  const maxGradNorm = config.maxGradNorm === undefined ? 1 : config.maxGradNorm;
  const temperature = config.temperature ?? 1;

  const rateOf = (group: string) =>
    scheduledLearningRate(
      groups[group]?.schedule ?? config.schedule ?? { kind: "constant" },
      groups[group]?.learningRate ?? baseRate,
      optimizer.stepCount,
    );

  function planOf(
    prepared: readonly PreparedRow<Row>[],
    goal: ObjectiveConfig,
    correct: boolean,
    counts?: BatchCounts,
  ): UpdatePlan<Row> {
    const early = correct && correction && prepared.length > 0 && prepared.every((row) => row.oldLogProbs);
    const corrected = early
      ? correctRows(prepared, correction, (row) => row.oldLogProbs!)
      : { rows: prepared, metrics: undefined };
    const forwarded = corrected.rows.filter((row) => row.mask.some((m) => m !== 0) && hasSignal(row, goal, config));
    const plan = planRows(
      policy,
      forwarded.map((row) => row.row),
      config.microBatch,
    );
    return {
      microBatches: plan.map((batch) => batch.map((i) => forwarded[i]!)),
      counts: counts ?? countRows(corrected.rows, goal),
      step: optimizer.stepCount + 1,
      rows: prepared.length,
      forwardedRows: forwarded.length,
      neededTokens: neededTokens(
        policy,
        forwarded.map(({ row }) => row),
      ),
      correctionMetrics: corrected.metrics,
    };
  }

  function settingsOf(
    goal: ObjectiveConfig,
    correct: boolean,
    { counts, step }: Pick<UpdatePlan<Row>, "counts" | "step">,
  ): ContributionSettings {
    const wantEntropy = (goal.entropyCoefficient ?? 0) !== 0 || config.measureEntropy === true;
    return {
      objective: goal,
      ...(correct && correction ? { correction } : {}),
      temperature,
      counts,
      wantEntropy,
      step,
    };
  }

  function complete(plan: UpdatePlan<Row>, part: Contribution, correct = true): Contribution & UpdateSizes {
    const { counts, rows, forwardedRows, neededTokens, correctionMetrics } = plan;
    const late = correct && correction && !correctionMetrics && part.logProbs.size > 0;
    const forwarded = late ? plan.microBatches.flat().sort((a, b) => a.index - b.index) : [];
    const metrics = late
      ? correctRows(forwarded, correction, (row) => part.logProbs.get(row.index)!).metrics
      : (correctionMetrics ?? {});
    return { ...part, counts, rows, forwardedRows, neededTokens, correctionMetrics: metrics };
  }

  function gradientsOf(
    prepared: readonly PreparedRow<Row>[],
    goal: ObjectiveConfig,
    correct: boolean,
    counts?: BatchCounts,
  ) {
    const plan = planOf(prepared, goal, correct, counts);
    return complete(plan, contribute(policy, parameters, plan.microBatches, settingsOf(goal, correct, plan)), correct);
  }

  function prepare(rows: readonly TrainingRow<Row>[]) {
    return prepareRows(rows, {
      refLogProbs: (objective.kl?.coefficient ?? 0) !== 0,
      oldLogProbs: needsOldLogProbs(correction),
      rolloutLogProbs: correction !== undefined,
    });
  }

  function apply(part: Contribution & UpdateSizes): UpdateStats {
    try {
      const squares = new Map<string, number>();
      for (const { name } of parameters) {
        const gradient = part.gradients.get(name);
        const square = gradient ? sumOfSquares(gradient) : 0;
        if (!Number.isFinite(square)) {
          throw new TrainingDivergedError({ kind: "gradient", parameter: name }, optimizer.stepCount + 1, square);
        }
        squares.set(name, square);
      }
      const norms = gradientNorms(parameters, squares);
      const clip = clipCoefficient(norms.total, maxGradNorm);
      const rates: Record<string, number> = {};
      for (const { group } of parameters) rates[group] ??= rateOf(group);
      optimizer.step(
        parameters.map(({ name, variable, group }) => {
          const gradient = part.gradients.get(name);
          const weightDecay = groups[group]?.weightDecay;
          return {
            name,
            variable,
            learningRate: rates[group]!,
            ...(gradient ? { gradient } : {}),
            ...(weightDecay === undefined ? {} : { weightDecay }),
          };
        }),
        clip,
      );
      return updateStats(part, norms, clip, rates, optimizer.stepCount);
    } finally {
      disposeGradients(part.gradients);
    }
  }

  return {
    get step() {
      return optimizer.stepCount;
    },
    update: (rows) => apply(gradientsOf(prepare(rows), objective, true)),
    supervised(rows) {
      const prepared = prepareRows(
        rows.map(({ row, mask, weight }) => ({ row, advantage: weight ?? 1, ...(mask ? { mask } : {}) })),
        { refLogProbs: false, oldLogProbs: false, rolloutLogProbs: false },
      );
      return apply(gradientsOf(prepared, SUPERVISED, false));
    },
    logProbs: (rows) => evaluateLogProbs(policy, rows, config.microBatch, temperature),
    plan: (rows, counts) => planOf(prepare(rows), objective, true, counts),
    microBatch: (rows, plan) => microBatchPart(policy, parameters, rows, settingsOf(objective, true, plan)),
    complete: (plan, part) => complete(plan, part),
    contribution: (rows, counts) => gradientsOf(prepare(rows), objective, true, counts),
    apply,
    exportState: () => ({ optimizer: optimizer.exportState() }),
    importState(state) {
      checkMoments(parameters, state.optimizer);
      optimizer.importState(state.optimizer);
    },
    dispose: () => optimizer.dispose(),
  };
}

/** @throws LearnerConfigError unless the state holds the moments of exactly the trained parameters (or no step at all) */
function checkMoments(parameters: readonly PolicyParameter[], { step, moments }: AdamWState): void {
  const fix = "resume with the freeze and LoRA settings, and the model, of the run that wrote the checkpoint";
  const trained = new Map(parameters.map((parameter) => [parameter.name, parameter.variable.shape]));
  for (const [name, { shape }] of Object.entries(moments)) {
    const wanted = trained.get(name);
    if (wanted && wanted.join() === shape.join()) continue;
    throw new LearnerConfigError({
      key: `state.optimizer.moments["${name}"]`,
      expected: wanted ? `the shape [${wanted.join(", ")}]` : "moments of parameters that are trained now",
      found: wanted ? `[${shape.join(", ")}]` : "one of a parameter that is frozen or does not exist",
      fix,
    });
  }
  const missing = step > 0 ? parameters.find(({ name }) => !(name in moments)) : undefined;
  if (missing) {
    throw new LearnerConfigError({
      key: `state.optimizer.moments["${missing.name}"]`,
      expected: `moments, after ${step} updates`,
      found: "nothing",
      fix,
    });
  }
}

const SUPERVISED: ObjectiveConfig = { policyLoss: policyGradient(), aggregation: "token-mean" };

function hasSignal(
  row: PreparedRow,
  objective: ObjectiveConfig,
  config: { readonly forwardRowsWithoutSignal?: boolean },
): boolean {
  return (
    config.forwardRowsWithoutSignal === true ||
    (objective.kl?.coefficient ?? 0) !== 0 ||
    (objective.entropyCoefficient ?? 0) !== 0 ||
    objective.policyLoss?.pullsWithoutAdvantage === true ||
    row.advantages.some((advantage, t) => advantage !== 0 && row.mask[t] !== 0)
  );
}

/** Tokens without padding and without a shared prompt counted twice: all rows together, or each alone where that is less. */
function neededTokens<Row extends PolicyRow>(policy: Policy<Row>, rows: readonly Row[]): number {
  const alone = rows.reduce((sum, row) => sum + (policy.tokenCount?.([row]) ?? row.completionIds.length), 0);
  return policy.tokenCount && rows.length > 0 ? Math.min(alone, policy.tokenCount(rows)) : alone;
}

function trainedParameters<Row extends PolicyRow>(
  policy: Policy<Row>,
  groups: Readonly<Record<string, LearnerGroupConfig>>,
): PolicyParameter[] {
  const present = [...new Set(policy.parameters.map((parameter) => parameter.group))];
  for (const [name, group] of Object.entries(groups)) {
    if (present.includes(name) || group.frozen) continue;
    throw new LearnerConfigError({
      key: `groups.${name}`,
      expected: `one of the policy's groups (${present.join(", ")})`,
      found: `"${name}"`,
      fix: "use one of these names, or mark the group frozen if the policy leaves it out",
    });
  }
  const trained = policy.parameters.filter((parameter) => !groups[parameter.group]?.frozen);
  if (trained.length === 0) {
    throw new LearnerConfigError({
      key: "groups",
      expected: "at least one group that is not frozen",
      found: "none",
      fix: "unfreeze a group",
    });
  }
  return trained;
}

function checkNumbers<Row extends PolicyRow>(config: LearnerConfig<Row>): void {
  const rates: [string, number | undefined][] = [
    ["optimizer.learningRate", config.optimizer.learningRate],
    ...Object.entries(config.groups ?? {}).map(([name, group]): [string, number | undefined] => [
      `groups.${name}.learningRate`,
      group.learningRate,
    ]),
  ];
  for (const [key, rate] of rates) {
    if (rate !== undefined && !(rate >= 0 && Number.isFinite(rate))) {
      throw new LearnerConfigError({
        key,
        expected: "a finite number ≥ 0",
        found: `${rate}`,
        fix: "use a typical rate: 1e-6 on-policy, 5e-7 off-policy",
      });
    }
  }
  if (config.maxGradNorm !== undefined && config.maxGradNorm !== null && !(config.maxGradNorm > 0)) {
    throw new LearnerConfigError({
      key: "maxGradNorm",
      expected: "a number above 0, or null",
      found: `${config.maxGradNorm}`,
      fix: "use 1, or null for no clipping",
    });
  }
  if (config.temperature !== undefined && !(config.temperature > 0)) {
    throw new LearnerConfigError({
      key: "temperature",
      expected: "a number above 0",
      found: `${config.temperature}`,
      fix: "use the temperature that the rollouts were sampled with",
    });
  }
}
