/**
 * Gradients of some rows: forward, loss and backward of each micro-batch, added up without clipping in between.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { BatchCounts } from "../losses/aggregation";
import { addObjectiveSums, emptyObjectiveSums, type ObjectiveSums } from "../losses/objective";
import type { EvaluateLoss } from "../losses/differentiable-loss";
import type { Gradients, Policy, PolicyParameter, PolicyRow } from "../policy";
import { hostObjective, type HostObjectiveSettings } from "./host-objective";
import { policyGradients } from "./policy-gradients";
import type { PreparedRow } from "./training-row";

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
export interface ContributionSettings extends HostObjectiveSettings {
  readonly temperature: number;
  readonly wantEntropy: boolean;
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
  const { divergence } = settings.objective;
  const logProbs: [number, Float32Array][] = [];
  let sums = emptyObjectiveSums();
  const evaluate: EvaluateLoss = (values, entropies, candidates) => {
    rows.forEach((row, b) => logProbs.push([row.index, values.slice(b * width, b * width + row.length)]));
    const result = hostObjective(rows, width, { logProbs: values, entropies, candidates }, settings);
    sums = result.sums;
    return result;
  };
  const gradients = policyGradients(
    policy,
    parameters,
    rows.map((row) => row.row),
    {
      width,
      temperature: settings.temperature,
      entropy: settings.wantEntropy,
      ...(divergence && {
        candidates: { ids: rows.map((row) => candidateIds(row, divergence.count)), count: divergence.count },
      }),
    },
    evaluate,
  );
  const computedTokens =
    policy.tokenCount?.(rows.map(({ row }) => row)) ?? rows.length * Math.max(...rows.map(({ length }) => length));
  return { gradients, sums, logProbs, computedTokens };
}

/** The first tokens of the vocabulary stand in for a row without candidates. */
function candidateIds({ candidates, length }: PreparedRow, count: number): Int32Array {
  return candidates?.ids ?? Int32Array.from({ length: length * count }, (_, i) => i % count);
}
