/**
 * A record as a line of metrics.jsonl. JSON has no NaN: a value that is not finite is written as the string "NaN",
 * "Infinity" or "-Infinity" and read back as the number.
 */
import type { MetricRecord } from "./metric-record";

const NOT_FINITE: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, "-Infinity": -Infinity };

/** One record as its line, without the line break. */
export function formatRecordLine(record: MetricRecord): string {
  return JSON.stringify(record, (_key, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
}

/**
 * The record of a line, or null when the line is not one (cut off, or not of this format).
 */
export function parseRecordLine(line: string): MetricRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const record = value as Record<string, unknown>;
  const { step, split, scope, name, metrics } = record;
  if (typeof step !== "number" || typeof name !== "string" || typeof metrics !== "object" || metrics === null)
    return null;
  if ((split !== "train" && split !== "eval") || (scope !== "source" && scope !== "task" && scope !== "all"))
    return null;
  const numbers: Record<string, number> = {};
  for (const [key, raw] of Object.entries(metrics)) {
    const number = typeof raw === "string" ? NOT_FINITE[raw] : raw;
    if (typeof number === "number") numbers[key] = number;
  }
  return { ...(value as MetricRecord), metrics: numbers };
}
