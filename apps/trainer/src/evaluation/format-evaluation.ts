import type { MetricRecord } from "@v-triune/monitor";
import type { RunEvaluation } from "./evaluate-run";

/**
 * A row a source: samples and mean accuracy; with several answers a sample their deviation, the best, the worst and the majority's.
 * Fits 80 columns for names of up to 30 characters.
 */
export function formatEvaluation({ step, n, records, file, scores }: Pick<RunEvaluation, "step" | "n" | "records" | "file" | "scores">): string {
  const columns: (readonly [title: string, metric: string])[] = [
    [n === 1 ? "accuracy" : `mean@${n}`, `acc/mean@${n}`],
    ...(n === 1
      ? []
      : ([
          [`std@${n}`, `acc/std@${n}`],
          [`best@${n}`, `acc/best@${n}/mean`],
          [`worst@${n}`, `acc/worst@${n}/mean`],
          [`maj@${n}`, `acc/maj@${n}/mean`],
        ] as const)),
  ];
  const sources = records.filter(({ scope }) => scope === "source").sort((a, b) => a.name.localeCompare(b.name));
  const width = Math.max(12, ...sources.map(({ name }) => name.length));
  const number = (record: MetricRecord, metric: string): string => record.metrics[metric]?.toFixed(3) ?? "";
  const row = (name: string, cells: readonly string[]): string => `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join("")}`.trimEnd();
  return [
    `Step ${step}`,
    row("source", ["samples", ...columns.map(([title]) => title)]),
    ...sources.map((record) => row(record.name, [String(record.metrics["samples/count"] ?? ""), ...columns.map(([, metric]) => number(record, metric))])),
    row("mean of sources", ["", scores.mean.toFixed(3)]),
    "",
    `Records: ${file}`,
    "",
  ].join("\n");
}
