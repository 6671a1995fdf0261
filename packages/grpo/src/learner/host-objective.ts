/**
 * The part of an update that the host computes: from the log-probabilities of some rows to the loss and its
 * derivatives, in float64. It needs no tensors, so it also serves a model that computes elsewhere.
 */
import { TrainingDivergedError } from "../errors";
import type { BatchCounts } from "../losses/aggregation";
import { evaluateObjective, type ObjectiveConfig, type ObjectiveResult } from "../losses/objective";
import type { PolicyRow } from "../policy";
import { correctRows, type RolloutCorrectionConfig } from "./rollout-correction";
import { stack, type PreparedRow } from "./training-row";

/** What is minimized, and how large the update is. */
export interface HostObjectiveSettings {
  readonly objective: ObjectiveConfig;
  readonly correction?: RolloutCorrectionConfig;
  /** N and S of the whole update. */
  readonly counts: BatchCounts;
  /** Number of this update, for messages. */
  readonly step: number;
}

/** What the model says of the rows. */
export interface HostValues {
  readonly logProbs: Float32Array;
  readonly entropies?: Float32Array | undefined;
  readonly candidates?: Float32Array | undefined;
}

/**
 * The objective of some rows.
 *
 * @param width T: at least the longest row
 * @param values log-probabilities and, where they were measured, entropies, flat [B · T], and candidates, flat [B · T · K]
 * @throws TrainingDivergedError when a log-probability, an entropy or the loss is not finite
 */
export function hostObjective<Row extends PolicyRow>(
  rows: readonly PreparedRow<Row>[],
  width: number,
  { logProbs, entropies, candidates }: HostValues,
  settings: HostObjectiveSettings,
): ObjectiveResult {
  checkFinite(rows, width, logProbs, entropies, settings.step);
  const result = evaluateObjective(
    {
      ...microBatchArrays(rows, width, logProbs, settings),
      ...(entropies ? { entropies } : {}),
      ...(candidates ? { candidates: { logProbs: candidates, teacher: teacherNumbers(rows, candidates.length) } } : {}),
    },
    settings.objective,
    settings.counts,
  );
  if (!Number.isFinite(result.loss)) {
    throw new TrainingDivergedError({ kind: "loss", row: rows[0]!.index }, settings.step, result.loss);
  }
  return result;
}

/** What the teacher makes of the rows' candidates, side by side as `stack` lays rows; NaN for a row without. */
function teacherNumbers(rows: readonly PreparedRow[], length: number): Float32Array {
  const flat = new Float32Array(length).fill(NaN);
  rows.forEach(({ candidates }, b) => flat.set(candidates?.logProbs ?? [], (b * length) / rows.length));
  return flat;
}

function microBatchArrays<Row extends PolicyRow>(
  rows: readonly PreparedRow<Row>[],
  width: number,
  logProbs: Float32Array,
  settings: HostObjectiveSettings,
) {
  const rowOf = new Map(rows.map((row, b) => [row.index, b]));
  const own = (row: PreparedRow<Row>) => {
    const b = rowOf.get(row.index)!;
    return row.oldLogProbs ?? logProbs.subarray(b * width, b * width + row.length);
  };
  const { correction } = settings;
  const late = correction?.importance && rows.some((row) => !row.importanceWeights && row.rolloutLogProbs);
  const corrected = late ? correctRows(rows, { importance: correction.importance! }, own).rows : rows;
  const refLogProbs = stack(corrected, width, (row) => row.refLogProbs);
  const importance = corrected.some((row) => row.importanceWeights);
  const factors = corrected.some((row) => row.policyWeights);
  const ones = (row: PreparedRow<Row>) => new Float64Array(row.length).fill(1);
  return {
    rows: rows.length,
    width,
    mask: stack(corrected, width, (row) => row.mask)!,
    logProbs,
    oldLogProbs: stack(corrected, width, own)!,
    advantages: stack(corrected, width, (row) => row.advantages)!,
    ...(refLogProbs ? { refLogProbs } : {}),
    ...(importance ? { importanceWeights: stack(corrected, width, (row) => row.importanceWeights ?? ones(row))! } : {}),
    ...(factors ? { policyWeights: stack(corrected, width, (row) => row.policyWeights ?? ones(row))! } : {}),
  };
}

function checkFinite(
  rows: readonly PreparedRow[],
  width: number,
  logProbs: Float32Array,
  entropies: Float32Array | undefined,
  step: number,
): void {
  rows.forEach((row, b) => {
    for (let t = 0; t < row.length; t++) {
      if (row.mask[t] === 0) continue;
      const value = logProbs[b * width + t]!;
      const entropy = entropies?.[b * width + t] ?? 0;
      if (!Number.isFinite(value)) {
        throw new TrainingDivergedError({ kind: "log-probabilities", row: row.index, token: t }, step, value);
      }
      if (!Number.isFinite(entropy)) {
        throw new TrainingDivergedError({ kind: "entropy", row: row.index, token: t }, step, entropy);
      }
    }
  });
}
