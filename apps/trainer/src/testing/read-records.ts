import { readFileSync } from "node:fs";
import type { MetricRecord } from "@v-triune/monitor";

/** For tests: the records of a metrics file, with all that a line holds. */
export function readRecords(file: string): MetricRecord[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as MetricRecord);
}
