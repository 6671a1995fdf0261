/** For benches: the metrics of a run that is larger than most. */
import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { formatRecordLine } from "../../record-line";
import type { MetricScope } from "../../metric-record";

const METRICS = ["critic/rewards/mean", "response_length/mean", "correct/ratio", "response_length/clip_ratio"];
/** Names for the given number of metrics. */
export const metricNames = (metrics: number): string[] =>
  Array.from({ length: metrics }, (_, index) => METRICS[index] ?? `verifier/some_metric_${index}/mean`);
/** 18 sources, 8 tasks, all. */
export const LARGE_RUN_STREAMS: readonly (readonly [MetricScope, string, string | undefined])[] = [
  ...Array.from({ length: 18 }, (_, index) => ["source", `source ${index}`, `task ${index % 8}`] as const),
  ...Array.from({ length: 8 }, (_, index) => ["task", `task ${index}`, `task ${index}`] as const),
  ["all", "all", undefined],
];

/**
 * Writes a metrics.jsonl whose numbers have all their digits, as means have them.
 *
 * @returns its size in bytes
 */
export function writeLargeMetrics(folder: string, steps: number, metrics: number): number {
  const path = join(folder, "metrics.jsonl");
  const file = openSync(path, "w");
  let state = 1;
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32 / 3;
  for (let step = 1; step <= steps;) {
    const lines: string[] = [];
    for (let until = Math.min(steps, step + 500); step <= until; step += 1) {
      for (const [scope, name, task] of LARGE_RUN_STREAMS) {
        lines.push(
          formatRecordLine({
            step,
            split: "train",
            scope,
            name,
            ...(task === undefined ? {} : { task }),
            metrics: Object.fromEntries(metricNames(metrics).map((metric) => [metric, random()])),
          }),
        );
      }
    }
    writeSync(file, `${lines.join("\n")}\n`);
  }
  closeSync(file);
  return statSync(path).size;
}
