/**
 * Which checkpoint is the best so far, by a metric of the run: of its evaluations (`acc/source_mean`, whatever the
 * number of answers) or of its training steps (`critic/rewards/mean`), as metrics.jsonl has them for the run as a
 * whole.
 */
import { existsSync } from "node:fs";
import { type MetricRecord, readMetricRecords } from "@v-triune/monitor";
import type { BestCheckpointConfig } from "../config/training-config";

export interface BestCheckpoint {
  /** Takes in what was measured. */
  note(records: readonly MetricRecord[]): void;
  /** The step with the best value among those given; of equal ones the earlier. undefined where none was measured. */
  of(steps: readonly number[]): { readonly step: number; readonly value: number } | undefined;
}

/** @param config null: nothing is the best */
export function trackBest(config: BestCheckpointConfig | null): BestCheckpoint {
  const values = new Map<number, number>();
  return {
    note(records) {
      if (config === null) return;
      for (const { scope, step, metrics } of records) {
        if (scope !== "all") continue;
        const name =
          config.metric in metrics
            ? config.metric
            : Object.keys(metrics).find((key) => key.replace(/@\d+$/, "") === config.metric);
        const value = name === undefined ? undefined : metrics[name];
        if (value !== undefined && Number.isFinite(value)) values.set(step, value);
      }
    },
    of(steps) {
      const sign = config?.mode === "min" ? -1 : 1;
      return steps.reduce<{ step: number; value: number } | undefined>((best, step) => {
        const value = values.get(step);
        return value === undefined || (best !== undefined && sign * value <= sign * best.value)
          ? best
          : { step, value };
      }, undefined);
    },
  };
}

/** Takes in what an earlier part of the run measured. */
export async function noteEarlier(best: BestCheckpoint, metricsPath: string): Promise<void> {
  if (existsSync(metricsPath)) for await (const record of readMetricRecords(metricsPath)) best.note([record]);
}
