/**
 * What a step leaves behind: records for the sinks and the alarms, its rollouts for the store, the short form for
 * views.
 */
import { type MetricRecord, createStepMetrics } from "@v-triune/monitor";
import type { BoxNaming } from "@v-triune/rollouts";
import { iouThreshold } from "@v-triune/verifiers";
import type { TrainingConfig } from "../config/training-config";
import type { StepRollouts } from "../sampling/step-rollouts";
import type { StepUpdate } from "../update/step-update";
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
}

/**
 * @param seconds that the whole step took
 * @returns the step in short, and the records that were written
 */
export function reportStep(
  rollouts: StepRollouts,
  update: StepUpdate,
  seconds: number,
  { config, monitor, patchSize, boxes }: ReportParts,
): { readonly summary: StepSummary; readonly records: readonly MetricRecord[] } {
  const { step, collected, dataSeconds } = rollouts;
  const { steps } = config.run;
  const epsilon = iouThreshold(config.reward.iou.schedule, step, steps);
  const engine = engineMetrics(config, rollouts);
  const numbers = { step, steps, collected, update, epsilon, dataSeconds, engine, seconds };
  const metrics = createStepMetrics({ boxThreshold: epsilon === "average" ? 0.5 : epsilon });
  for (const [index, rollout] of collected.rollouts.entries())
    metrics.add(rolloutRecord(rollout, update.klPenalties[index]));
  const records = withSamplingMetrics(metrics.finish(step, healthMetrics(numbers)), rollouts.sampling);
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
