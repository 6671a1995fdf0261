/**
 * An update whose gradients are computed elsewhere: what goes through the model, the derivative of the objective by each
 * log-probability that comes back, and the numbers that an update reports. No tensors.
 *
 *   rows → plan → (log π_θ of `plan.forwarded`, from wherever the model is) → evaluate → d loss / d log π, by token
 *
 * A model that adds Σ gradient · ∇ log π gets the gradient of the learner in this process.
 */
import type { BatchCounts } from "../losses/aggregation";
import { emptyObjectiveSums, type ObjectiveConfig, type ObjectiveSums } from "../losses/objective";
import type { PolicyRow } from "../policy";
import { countRows } from "./count-rows";
import { hostObjective } from "./host-objective";
import { correctRows, needsOldLogProbs, type RolloutCorrectionConfig } from "./rollout-correction";
import { prepareRows, stack, type PreparedRow, type TrainingRow } from "./training-row";

/** What is minimized, and for which rows. */
export interface UpdateGoal {
  readonly objective: ObjectiveConfig;
  readonly correction?: RolloutCorrectionConfig | undefined;
  /** Send rows without signal through the model all the same. Default false. */
  readonly forwardRowsWithoutSignal?: boolean | undefined;
}

/** The rows of an update, checked and counted. */
export interface RowPlan<Row extends PolicyRow = PolicyRow> {
  /** Rows that go through the model, in the caller's order. */
  readonly forwarded: readonly PreparedRow<Row>[];
  /** N and S of the whole update. */
  readonly counts: BatchCounts;
  /** Rows with an advantage. */
  readonly rows: number;
  /** Metrics of a correction that was made before the first forward pass. */
  readonly correctionMetrics: Readonly<Record<string, number>> | undefined;
}

/** The objective at the model's log-probabilities. */
export interface EvaluatedRows {
  /** d loss / d log π of each token, by position in the caller's rows. */
  readonly gradients: ReadonlyMap<number, Float64Array>;
  readonly sums: ObjectiveSums;
  readonly correctionMetrics: Readonly<Record<string, number>>;
}

/**
 * @param counts those of the whole update, if these rows are a part of it
 * @throws LearnerConfigError naming the row and field
 */
export function planRowsOf<Row extends PolicyRow>(
  rows: readonly TrainingRow<Row>[],
  goal: UpdateGoal,
  counts?: BatchCounts,
): RowPlan<Row> {
  const { objective, correction } = goal;
  const prepared = prepareRows(rows, {
    refLogProbs: (objective.kl?.coefficient ?? 0) !== 0,
    oldLogProbs: needsOldLogProbs(correction),
    rolloutLogProbs: correction !== undefined,
    candidates: objective.divergence?.count,
  });
  const early = correction && prepared.length > 0 && prepared.every((row) => row.oldLogProbs);
  const corrected = early
    ? correctRows(prepared, correction, (row) => row.oldLogProbs!)
    : { rows: prepared, metrics: undefined };
  return {
    forwarded: corrected.rows.filter((row) => row.mask.some((m) => m !== 0) && hasSignal(row, goal)),
    counts: counts ?? countRows(corrected.rows, objective),
    rows: prepared.length,
    correctionMetrics: corrected.metrics,
  };
}

/**
 * @param logProbs log π_θ of each forwarded row, by position in the caller's rows
 * @param step number of the update, for messages
 * @throws TrainingDivergedError when a log-probability or the loss is not finite
 */
export function evaluateRows<Row extends PolicyRow>(
  plan: RowPlan<Row>,
  logProbs: ReadonlyMap<number, ArrayLike<number>>,
  { objective, correction }: UpdateGoal,
  step: number,
): EvaluatedRows {
  const { forwarded, counts } = plan;
  if (forwarded.length === 0)
    return { gradients: new Map(), sums: emptyObjectiveSums(), correctionMetrics: plan.correctionMetrics ?? {} };
  const width = Math.max(1, ...forwarded.map(({ length }) => length));
  const own = (row: PreparedRow<Row>): ArrayLike<number> => logProbs.get(row.index)!;
  const values = Float32Array.from(stack(forwarded, width, own) ?? []);
  const settings = { objective, ...(correction ? { correction } : {}), counts, step };
  const { logProbGradient, sums } = hostObjective(forwarded, width, { logProbs: values }, settings);
  return {
    gradients: new Map(
      forwarded.map((row, b) => [row.index, logProbGradient.slice(b * width, b * width + row.length)]),
    ),
    sums,
    correctionMetrics: lateMetrics(plan, correction, own),
  };
}

/** Metrics of a correction that had to wait for the model's log-probabilities. */
export function lateMetrics<Row extends PolicyRow>(
  { forwarded, correctionMetrics }: Pick<RowPlan<Row>, "forwarded" | "correctionMetrics">,
  correction: RolloutCorrectionConfig | undefined,
  logProbs: (row: PreparedRow<Row>) => ArrayLike<number>,
): Readonly<Record<string, number>> {
  if (!correction || correctionMetrics || forwarded.length === 0) return correctionMetrics ?? {};
  return correctRows(
    forwarded.toSorted((a, b) => a.index - b.index),
    correction,
    logProbs,
  ).metrics;
}

function hasSignal(row: PreparedRow, { objective, forwardRowsWithoutSignal }: UpdateGoal): boolean {
  return (
    forwardRowsWithoutSignal === true ||
    (objective.kl?.coefficient ?? 0) !== 0 ||
    (objective.entropyCoefficient ?? 0) !== 0 ||
    row.candidates !== undefined ||
    objective.policyLoss?.pullsWithoutAdvantage === true ||
    row.advantages.some((advantage, t) => advantage !== 0 && row.mask[t] !== 0)
  );
}
