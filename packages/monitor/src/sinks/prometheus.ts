/**
 * Prometheus text exposition (format 0.0.4): the last step's value of every metric as a gauge, labeled by split, scope,
 * source and task. Written to a file for node_exporter's textfile collector; a server can serve `formatPrometheus`
 * itself.
 */
import { writeFileAtomic } from "@v-triune/node-kit/atomic-write";
import type { MetricRecord } from "../metric-record";
import type { MetricSink } from "./metric-sink";

const metricName = (name: string): string =>
  `v_triune_${name.replaceAll("@", "_at_").replaceAll(/[^a-zA-Z0-9_]/g, "_")}`;

const labelValue = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function sampleValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** The text of a scrape; of several records with the same labels the last one counts. */
export function formatPrometheus(records: Iterable<MetricRecord>): string {
  const families = new Map<string, Map<string, number>>();
  const put = (family: string, labels: string, value: number): void => {
    let samples = families.get(family);
    if (samples === undefined) families.set(family, (samples = new Map()));
    samples.set(labels, value);
  };
  for (const record of records) {
    const parts = [
      ["split", record.split],
      ["scope", record.scope],
      ["name", record.name],
      ...(record.task === undefined ? [] : [["task", record.task]]),
    ];
    const labels = parts.map(([key, value]) => `${key}="${labelValue(value!)}"`).join(",");
    put("v_triune_step", labels, record.step);
    for (const metric in record.metrics) put(metricName(metric), labels, record.metrics[metric]!);
  }
  let text = "";
  for (const [family, samples] of families) {
    text += `# TYPE ${family} gauge\n`;
    for (const [labels, value] of samples) text += `${family}{${labels}} ${sampleValue(value)}\n`;
  }
  return text;
}

/** Keeps a text file at the newest values; it is replaced in one move, so that a scrape never sees half of it. */
export function prometheusSink(path: string): MetricSink {
  const newest = new Map<string, MetricRecord>();
  return {
    name: "prometheus",
    async write(records) {
      for (const record of records) newest.set(`${record.split} ${record.scope} ${record.name}`, record);
      await writeFileAtomic(path, formatPrometheus(newest.values()));
    },
    close: async () => {},
  };
}
