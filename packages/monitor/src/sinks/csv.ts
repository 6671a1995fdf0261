/**
 * CSV in long form, one number a line: the columns stay the same whatever a step measures, and spreadsheets pivot it.
 * Fields are quoted as in RFC 4180 where they must be.
 */
import type { MetricRecord } from "../metric-record";
import type { MetricSink } from "./metric-sink";
import { appendFile } from "./append-file";

const HEADER = "step,split,scope,name,task,metric,value\n";

const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The lines of some records, without the header. */
export function formatCsvLines(records: readonly MetricRecord[]): string {
  let lines = "";
  for (const record of records) {
    const prefix = [record.step, record.split, record.scope, field(record.name), field(record.task ?? "")].join(",");
    for (const metric in record.metrics) lines += `${prefix},${field(metric)},${record.metrics[metric]}\n`;
  }
  return lines;
}

/** Appends to a CSV file, writing the header when the file is new. */
export function csvSink(path: string): MetricSink {
  const file = appendFile(path, { lines: true });
  return {
    name: "csv",
    async write(records) {
      const header = (await file.size()) === 0 ? HEADER : "";
      await file.append(header + formatCsvLines(records));
    },
    close: () => file.close(),
  };
}
