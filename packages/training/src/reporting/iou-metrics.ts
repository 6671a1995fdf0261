/** Adds to a step's records at which IoU boxes counted, by source where it differs, and what adaptive thresholds know. */
import type { MetricRecord } from "@v-triune/monitor";
import type { Rollout } from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import { iouThreshold, type IouEpsilon } from "@v-triune/verifiers";
import { adaptiveIouStatistics } from "@v-triune/verifiers/detection";
import type { IouConfig } from "../config/training-config";
import { type IouStates, isAdaptive, observeOverlaps, stateOf } from "../data/iou-thresholds";

/** The threshold of all samples without a schedule of their own; undefined where it depends on the source. */
export function sharedThreshold(iou: IouConfig, step: number, steps: number): IouEpsilon | undefined {
  return iou.schedule === "adaptive" || iou.bySource ? undefined : iouThreshold(iou.schedule, step, steps);
}

export interface IouMetricsOptions {
  readonly iou: IouConfig;
  readonly epsilonOf: (sample: Sample) => IouEpsilon;
  /** What adaptive thresholds knew before the step. */
  readonly before: IouStates | undefined;
}

/** The records, those of sources and that of all with the numbers of docs/metrics.md, "IoU thresholds". */
export function withIouMetrics(
  records: readonly MetricRecord[],
  rollouts: readonly Rollout[],
  { iou, epsilonOf, before }: IouMetricsOptions,
): readonly MetricRecord[] {
  const isShared = iou.schedule !== "adaptive" && !iou.bySource;
  const boxes = rollouts.filter(({ prompt }) => prompt.sample.reward_model.verifier === "detection");
  if (isShared && !boxes.some(({ prompt }) => prompt.sample.reward_model.verifier_parm.iou_schedule)) return records;
  const after = isAdaptive(iou) ? observeOverlaps(iou, before ?? {}, rollouts) : undefined;
  return records.map((record) => {
    if (record.scope === "task") return record;
    const own =
      record.scope === "all" ? boxes : boxes.filter(({ prompt }) => prompt.sample.data_source === record.name);
    const thresholds = own.map(({ prompt }) => epsilonOf(prompt.sample)).filter((epsilon) => epsilon !== "average");
    if (thresholds.length === 0) return record;
    const mean = thresholds.reduce((sum, epsilon) => sum + epsilon, 0) / thresholds.length;
    const state = record.scope === "source" ? stateOf(after, record.name) : undefined;
    const metrics = { "reward/iou_epsilon": rounded(mean), ...(state && windowMetrics(state)) };
    return { ...record, metrics: { ...record.metrics, ...metrics } };
  });
}

function windowMetrics(state: Parameters<typeof adaptiveIouStatistics>[0]): Record<string, number> {
  const { groups, hits, deviation, margin } = adaptiveIouStatistics(state);
  return {
    "reward/iou_next_epsilon": state.threshold,
    "reward/iou_window/groups": groups,
    "reward/iou_window/hits": hits,
    "reward/iou_window/deviation": deviation,
    "reward/iou_window/margin": margin,
  };
}

/** A mean of equal thresholds is that threshold. */
const rounded = (value: number): number => Math.round(value * 1e9) / 1e9;
