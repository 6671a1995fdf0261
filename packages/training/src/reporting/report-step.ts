/**
 * What a step leaves behind: records for the sinks and the alarms, its rollouts for the store, the short form for
 * views.
 */
import { type MetricRecord, createStepMetrics } from "@v-triune/monitor";
import type { BoxNaming, Rollout } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { iouThresholds } from "../data/iou-thresholds";
import type { StepRollouts } from "../sampling/step-rollouts";
import type { StepUpdate } from "../update/step-update";
import { teachesNothing } from "../update/training-rows";
import { sharedThreshold, withIouMetrics } from "./iou-metrics";
import { rolloutRecord } from "./rollout-record";
import type { RunMonitor } from "./run-monitor";
import { withSamplingMetrics } from "./sampling-metrics";
import { engineMetrics, healthMetrics, stepSummary } from "./step-report";
import { storedRollout } from "./stored-rollout";
import type { StepSummary } from "../training-event";

export interface ReportParts {
  readonly config: TrainingConfig;
  readonly monitor: Pick<RunMonitor, "write" | "wantsRollouts" | "writeRollouts">;
  /** Of the image processor, in pixels. */
  readonly patchSize: number;
  /** In which convention answers have boxes. */
  readonly boxes: BoxNaming;
  /** How often a training server has lost the run's model. */
  readonly losses: number;
}

/**
 * @param seconds that the whole step took
 * @returns the step in short, and the records that were written
 */
export function reportStep(
  rollouts: StepRollouts,
  update: StepUpdate,
  seconds: number,
  { config, monitor, patchSize, boxes, losses }: ReportParts,
): { readonly summary: StepSummary; readonly records: readonly MetricRecord[] } {
  const { step, collected, dataSeconds } = rollouts;
  const { steps } = config.run;
  const { iou } = config.reward;
  const epsilonOf = iouThresholds(iou, { step, steps, states: rollouts.iou });
  const epsilon = sharedThreshold(iou, step, steps);
  const engine = { ...engineMetrics(config, rollouts), ...(losses > 0 ? { "trainer/lost_models": losses } : {}) };
  const numbers = { step, steps, collected, update, epsilon, dataSeconds, engine, seconds };
  const metrics = createStepMetrics();
  for (const [index, rollout] of collected.rollouts.entries()) {
    const boxEpsilon = epsilonOf(rollout.prompt.sample);
    const boxThreshold = boxEpsilon === "average" ? 0.5 : boxEpsilon;
    const gradientWeight = weightInLoss(rollout, update.advantages[index] ?? 0, config);
    metrics.add({ ...rolloutRecord(rollout, update.klPenalties[index]), boxThreshold, gradientWeight });
  }
  const sampled = withSamplingMetrics(metrics.finish(step, healthMetrics(numbers)), rollouts.sampling);
  const records = withIouMetrics(sampled, collected.rollouts, { iou, epsilonOf, before: rollouts.iou });
  monitor.write(records);
  if (monitor.wantsRollouts(step)) {
    const stored = collected.rollouts.map((rollout, index) => {
      const [advantage, klPenalty] = [update.advantages[index] ?? null, update.klPenalties[index] ?? null];
      return storedRollout(step, rollout, { advantage, klPenalty }, { patchSize, boxes });
    });
    monitor.writeRollouts(step, stored);
  }
  return { summary: stepSummary(numbers), records };
}

/**
 * The size of the loss's gradient with respect to the answer's log-probabilities, at a ratio of 1 and up to a factor
 * that all answers of the step share.
 */
function weightInLoss(rollout: Rollout, advantage: number, config: TrainingConfig): number {
  if (teachesNothing(rollout, config)) return 0;
  const { completionIds, responseMask } = rollout;
  const written = responseMask?.reduce((sum, own) => sum + own, 0) ?? completionIds.length;
  // By this aggregation an answer counts the same whatever its length; by the others each of its tokens does.
  const tokens = config.algorithm.aggregation === "seq-mean-token-mean" ? 1 : written;
  return Math.abs(advantage) * tokens;
}
