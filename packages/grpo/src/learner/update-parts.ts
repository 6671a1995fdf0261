/**
 * The parts of an update: plan, micro-batches, sum, optimizer step. `Learner.update` runs them in a row, threads share
 * them.
 */
import { TrainingDivergedError } from "../errors";
import type { BatchCounts } from "../losses/aggregation";
import type { AdamW } from "../optimizer/adamw";
import {
  clipCoefficient,
  gradientNorms,
  SUM_OF_SQUARES,
  sumOfSquares,
  sumsOfSquares,
} from "../optimizer/gradient-norms";
import { takesOnePass } from "../optimizer/one-pass";
import { scheduledLearningRate } from "../optimizer/schedule";
import type { Policy, PolicyParameter, PolicyRow } from "../policy";
import {
  contribute,
  disposeGradients,
  microBatchPart,
  type Contribution,
  type ContributionSettings,
  type MicroBatchPart,
  type UpdatePlan,
  type UpdateSizes,
} from "./contribution";
import { planRows } from "./evaluate-log-probs";
import type { LearnerConfig } from "./learner-config";
import { lateMetrics, planRowsOf, type UpdateGoal } from "./host-update";
import type { TrainingRow } from "./training-row";
import { updateStats, type UpdateStats } from "./update-stats";

/**
 * `update` in parts, for threads that share its micro-batches: `plan`, then `microBatch` of each by any thread with the
 * same weights and settings, `joinParts` in the order of the plan, `complete`, `apply`. Or in two halves:
 * `contribution`, `apply`.
 */
export interface UpdateParts<Row extends PolicyRow> {
  /** @param counts those of the whole update, if these rows are a part of it */
  plan(rows: readonly TrainingRow<Row>[], counts?: BatchCounts): UpdatePlan<Row>;
  microBatch(
    rows: UpdatePlan<Row>["microBatches"][number],
    plan: Pick<UpdatePlan<Row>, "counts" | "step">,
  ): MicroBatchPart;
  /** A contribution with what the plan knows of the whole update. */
  complete(plan: UpdatePlan<Row>, part: Contribution): Contribution & UpdateSizes;
  /** Gradients only; nothing is changed. */
  contribution(rows: readonly TrainingRow<Row>[], counts?: BatchCounts): Contribution & UpdateSizes;
  /** Norms, clipping, AdamW. Takes over and frees the gradients. */
  apply(contribution: Contribution & UpdateSizes): UpdateStats;
}

/** What all updates of a learner share. */
export interface UpdateContext<Row extends PolicyRow> {
  readonly config: LearnerConfig<Row>;
  /** The trained ones. */
  readonly parameters: readonly PolicyParameter[];
  readonly optimizer: AdamW;
}

export function createUpdateParts<Row extends PolicyRow>(
  { config, parameters, optimizer }: UpdateContext<Row>,
  { objective, correction }: UpdateGoal,
): UpdateParts<Row> {
  const { policy, groups = {} } = config;
  const maxGradNorm = config.maxGradNorm === undefined ? 1 : config.maxGradNorm;

  const rateOf = (group: string): number =>
    scheduledLearningRate(
      groups[group]?.schedule ?? config.schedule ?? { kind: "constant" },
      groups[group]?.learningRate ?? config.optimizer.learningRate,
      optimizer.stepCount,
    );

  const settingsOf = ({ counts, step }: Pick<UpdatePlan<Row>, "counts" | "step">): ContributionSettings => ({
    objective,
    ...(correction ? { correction } : {}),
    temperature: config.temperature ?? 1,
    counts,
    wantEntropy: (objective.entropyCoefficient ?? 0) !== 0 || config.measureEntropy === true,
    step,
  });

  function plan(rows: readonly TrainingRow<Row>[], counts?: BatchCounts): UpdatePlan<Row> {
    const { forwarded, ...planned } = planRowsOf(
      rows,
      { objective, correction, forwardRowsWithoutSignal: config.forwardRowsWithoutSignal },
      counts,
    );
    const forwardedRows = forwarded.map(({ row }) => row);
    return {
      microBatches: planRows(policy, forwardedRows, config.microBatch).map((batch) => batch.map((i) => forwarded[i]!)),
      ...planned,
      step: optimizer.stepCount + 1,
      forwardedRows: forwarded.length,
      neededTokens: neededTokens(policy, forwardedRows),
    };
  }

  function complete(plan: UpdatePlan<Row>, part: Contribution): Contribution & UpdateSizes {
    const { counts, rows, forwardedRows, neededTokens, correctionMetrics } = plan;
    // Without a forward pass there is nothing that a late correction could look at.
    const forwarded = part.logProbs.size > 0 ? plan.microBatches.flat() : [];
    const metrics = lateMetrics({ forwarded, correctionMetrics }, correction, (row) => part.logProbs.get(row.index)!);
    return { ...part, counts, rows, forwardedRows, neededTokens, correctionMetrics: metrics };
  }

  function apply(part: Contribution & UpdateSizes): UpdateStats {
    try {
      const given = [...part.gradients];
      const sums = takesOnePass(SUM_OF_SQUARES, optimizer.computeWith)
        ? sumsOfSquares(given.map(([, gradient]) => gradient))
        : given.map(([, gradient]) => sumOfSquares(gradient));
      const found = new Map(given.map(([name], i) => [name, sums[i]!]));
      const squares = new Map<string, number>();
      for (const { name } of parameters) {
        const square = found.get(name) ?? 0;
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
    plan,
    microBatch: (rows, plan) => microBatchPart(policy, parameters, rows, settingsOf(plan)),
    complete,
    contribution(rows, counts) {
      const whole = plan(rows, counts);
      return complete(whole, contribute(policy, parameters, whole.microBatches, settingsOf(whole)));
    },
    apply,
  };
}

/**
 * Tokens without padding and without a shared prompt counted twice: all rows together, or each alone where that is
 * less.
 */
function neededTokens<Row extends PolicyRow>(policy: Policy<Row>, rows: readonly Row[]): number {
  const alone = rows.reduce((sum, row) => sum + (policy.tokenCount?.([row]) ?? row.completionIds.length), 0);
  return policy.tokenCount && rows.length > 0 ? Math.min(alone, policy.tokenCount(rows)) : alone;
}
