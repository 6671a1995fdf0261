import type { MetricSink } from "./metric-sink";
import { appendFile } from "./append-file";
import { formatRecordLine } from "../record-line";

/**
 * Appends each record as a line of JSON: the run folder's metrics.jsonl.
 *
 * @param path created with its folder at the first write; an existing file is continued
 */
export function jsonlSink(path: string): MetricSink {
  const file = appendFile(path, { lines: true });
  return {
    name: "jsonl",
    write: (records) => file.append(records.map((record) => `${formatRecordLine(record)}\n`).join("")),
    close: () => file.close(),
  };
}
