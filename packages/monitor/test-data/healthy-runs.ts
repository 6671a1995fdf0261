/**
 * Makes healthy-runs.json.gz from run folders: what alarms look at, of each training step, to three digits.
 *
 *     node tools/run.mjs packages/monitor/test-data/healthy-runs.ts RUN .. | gzip -9n > healthy-runs.json.gz
 */
import { join } from "node:path";
import { alarmMetrics } from "../src/alarms";
import { DEFAULT_ALARM_RULES } from "../src/alarm-rules";
import { readMetricRecords } from "../src/metrics-file";

const names = [...new Set(DEFAULT_ALARM_RULES.flatMap(alarmMetrics))];
const runs: unknown[] = [];
for (const folder of process.argv.slice(2)) {
  const records: unknown[] = [];
  for await (const { step, split, scope, name, metrics } of readMetricRecords(join(folder, "metrics.jsonl"))) {
    if (split !== "train" || scope === "task") continue;
    const values = names.map((metric) => (metric in metrics ? Number(metrics[metric]!.toPrecision(3)) : null));
    records.push([step, scope, name, ...values]);
  }
  runs.push(records);
}
process.stdout.write(JSON.stringify({ names, runs }));
