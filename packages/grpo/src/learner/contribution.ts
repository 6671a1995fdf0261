/**
 * Gradients of some rows: forward, loss and backward of each micro-batch, added up without clipping in between.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { TrainingDivergedError } from "../errors";
import { countBatch, type BatchCounts } from "../losses/aggregation";
import { differentiableLoss } from "../losses/differentiable-loss";
import {
  addObjectiveSums,
  emptyObjectiveSums,
  evaluateObjective,
  type ObjectiveConfig,
  type ObjectiveSums,
} from "../losses/objective";
import type { Gradients, Policy, PolicyParameter, PolicyRow } from "../policy";
import { correctRows, type RolloutCorrectionConfig } from "./rollout-correction";
import { stack, type PreparedRow } from "./training-row";

/** What a set of rows adds to an update. Contributions of disjoint rows add up: gradients by tensor, sums by number. */
export interface Contribution {
  /** d loss / d parameter by name; parameters the rows do not reach are absent. Owned by the holder. */
  readonly gradients: Gradients;
  readonly sums: ObjectiveSums;
  /** log π_θ before the update, by position in the caller's rows; absent for rows that needed no forward pass. */
  readonly logProbs: ReadonlyMap<number, Float32Array>;
  readonly microBatches: number;
  /** Tokens that went through the model, as the policy counts them. */
  readonly computedTokens: number;
}

/** How much an update saw. */
export interface UpdateSizes {
  readonly counts: BatchCounts;
  /** Rows with an advantage. */
  readonly rows: number;
  /** Rows that went through the model. */
  readonly forwardedRows: number;
  /** Tokens of those rows without what padding and splitting add, as the policy counts them. */
  readonly neededTokens: number;
  /** verl's metrics of importance weights and rejection, if there are any. */
  readonly correctionMetrics: Readonly<Record<string, number>>;
}

/**
 * An update cut into micro-batches, as plain data that may cross threads: any thread with the same weights gets the
 * same numbers from a micro-batch. Their results are added up in the order of `microBatches`.
 */
export interface UpdatePlan<Row extends PolicyRow = PolicyRow> extends Omit<UpdateSizes, "correctionMetrics"> {
  readonly microBatches: readonly (readonly PreparedRow<Row>[])[];
  /** Number of the update. */
  readonly step: number;
  /** Metrics of a correction that was made before the first forward pass. */
  readonly correctionMetrics: Readonly<Record<string, number>> | undefined;
}

/** What one micro-batch adds. */
export interface MicroBatchPart {
  /** By parameter name; owned by the holder. */
  readonly gradients: Gradients;
  readonly sums: ObjectiveSums;
  /** log π_θ by position in the caller's rows. */
  readonly logProbs: readonly (readonly [number, Float32Array])[];
  readonly computedTokens: number;
}

/** What {@link contribute} needs to know. */
export interface ContributionSettings {
  readonly objective: ObjectiveConfig;
  readonly correction?: RolloutCorrectionConfig;
  readonly temperature: number;
  readonly counts: BatchCounts;
  readonly wantEntropy: boolean;
  /** Number of this update, for messages. */
  readonly step: number;
}

/** N and S of prepared rows. */
export function countRows(rows: readonly PreparedRow[], objective: ObjectiveConfig): BatchCounts {
  const countEmptySequences = objective.countEmptySequences ?? objective.policyLoss?.countsEmptySequences ?? false;
  let tokens = 0;
  let sequences = 0;
  for (const row of rows) {
    const counts = countBatch(row.mask, Math.max(1, row.mask.length), {});
    tokens += counts.tokens;
    sequences += counts.tokens > 0 || countEmptySequences ? 1 : 0;
  }
  return { tokens, sequences };
}

/**
 * Runs the micro-batches and adds up their results.
 * @throws TrainingDivergedError when a log-probability, entropy or loss is not finite; nothing is leaked then
 */
export function contribute<Row extends PolicyRow>(
  policy: Policy<Row>,
  parameters: readonly PolicyParameter[],
  microBatches: readonly (readonly PreparedRow<Row>[])[],
  settings: ContributionSettings,
): Contribution {
  const gradients: Gradients = new Map();
  const parts: Omit<MicroBatchPart, "gradients">[] = [];
  try {
    for (const rows of microBatches) {
      const part = microBatchPart(policy, parameters, rows, settings);
      for (const [name, gradient] of part.gradients) addInto(gradients, name, gradient);
      parts.push(part);
    }
  } catch (error) {
    disposeGradients(gradients);
    throw error;
  }
  return joinParts(gradients, parts);
}

/**
 * The contribution of all micro-batches from their summed gradients and what else each gave, in the order of the plan.
 */
export function joinParts(gradients: Gradients, parts: readonly Omit<MicroBatchPart, "gradients">[]): Contribution {
  return {
    gradients,
    sums: parts.reduce((sums, part) => addObjectiveSums(sums, part.sums), emptyObjectiveSums()),
    logProbs: new Map(parts.flatMap(({ logProbs }) => logProbs)),
    microBatches: parts.length,
    computedTokens: parts.reduce((sum, { computedTokens }) => sum + computedTokens, 0),
  };
}

/** Adds a gradient to the one of the same name and takes it over. */
export function addInto(gradients: Gradients, name: string, gradient: Tensor): void {
  const held = gradients.get(name);
  if (!held) {
    gradients.set(name, gradient);
    return;
  }
  gradients.set(name, tf.add(held, gradient));
  held.dispose();
  gradient.dispose();
}

/** Frees all gradients and empties the map. */
export function disposeGradients(gradients: Gradients): void {
  for (const gradient of gradients.values()) gradient.dispose();
  gradients.clear();
}

/**
 * Frees what a forward pass that threw has saved for its backward pass. tfjs 4.22 frees it only at the end of a
 * backward pass: without this, an update that ran out of memory would hold its activations for good, and a retry fail
 * as well.
 */
function abandonTape(): void {
  const { state } = tf.engine();
  if (state.gradientDepth > 0 || !state.activeTape) return;
  for (const node of state.activeTape) for (const tensor of node.saved ?? []) if (!tensor.isDisposed) tensor.dispose();
  state.activeTape = [];
}

/**
 * Forward, loss and backward of one micro-batch.
 * @throws TrainingDivergedError as {@link contribute}
 */
export function microBatchPart<Row extends PolicyRow>(
  policy: Policy<Row>,
  parameters: readonly PolicyParameter[],
  rows: readonly PreparedRow<Row>[],
  settings: ContributionSettings,
): MicroBatchPart {
  const width = Math.max(1, ...rows.map((row) => row.length));
  const logProbs: [number, Float32Array][] = [];
  let sums = emptyObjectiveSums();
  const evaluate = (values: Float32Array, entropies?: Float32Array) => {
    checkFinite(rows, width, values, entropies, settings.step);
    rows.forEach((row, b) => logProbs.push([row.index, values.slice(b * width, b * width + row.length)]));
    const result = evaluateObjective(
      { ...microBatchArrays(rows, width, values, settings), ...(entropies ? { entropies } : {}) },
      settings.objective,
      settings.counts,
    );
    if (!Number.isFinite(result.loss)) {
      throw new TrainingDivergedError({ kind: "loss", row: rows[0]!.index }, settings.step, result.loss);
    }
    sums = result.sums;
    return result;
  };
  const loss = () => {
    const values = policy.logProbs(
      rows.map((row) => row.row),
      { width, temperature: settings.temperature, entropy: settings.wantEntropy },
    );
    return differentiableLoss(values.logProbs, values.entropy, evaluate);
  };
  const gradients: Gradients = new Map();
  try {
    const { value, grads } = tf.engine().gradients(
      loss,
      parameters.map((parameter) => parameter.variable),
      undefined,
      true,
    );
    value.dispose();
    (grads as (Tensor | undefined)[]).forEach(
      (gradient, i) => gradient && gradients.set(parameters[i]!.name, gradient),
    );
  } catch (error) {
    abandonTape();
    throw error;
  }
  const computedTokens =
    policy.tokenCount?.(rows.map(({ row }) => row)) ?? rows.length * Math.max(...rows.map(({ length }) => length));
  return { gradients, sums, logProbs, computedTokens };
}

function microBatchArrays<Row extends PolicyRow>(
  rows: readonly PreparedRow<Row>[],
  width: number,
  logProbs: Float32Array,
  settings: ContributionSettings,
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
