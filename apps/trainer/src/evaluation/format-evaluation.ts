import type { MetricRecord } from "@v-triune/monitor";
import type { CheckpointEvaluation } from "./evaluate-checkpoint";

/**
 * A row a source: samples and mean accuracy; with several answers a sample their deviation, the best, the worst and the
 * majority's. Fits 80 columns for names of up to 30 characters.
 */
export function formatEvaluation(
  evaluation: Pick<CheckpointEvaluation, "step" | "n" | "records" | "file" | "scores" | "benchmarks">,
): string {
  return evaluation.benchmarks === undefined ? formatSources(evaluation) : formatBenchmarks(evaluation);
}

function formatSources({
  step,
  n,
  records,
  file,
  scores,
}: Pick<CheckpointEvaluation, "step" | "n" | "records" | "file" | "scores">): string {
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
  const width = Math.max("mean of sources".length, ...sources.map(({ name }) => name.length));
  const number = (record: MetricRecord, metric: string): string => record.metrics[metric]?.toFixed(3) ?? "";
  const row = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join("")}`.trimEnd();
  return [
    `Step ${step}`,
    row("source", ["samples", ...columns.map(([title]) => title)]),
    ...sources.map((record) =>
      row(record.name, [
        String(record.metrics["samples/count"] ?? ""),
        ...columns.map(([, metric]) => number(record, metric)),
      ]),
    ),
    row("mean of sources", ["", scores.mean.toFixed(3)]),
    "",
    `Records: ${file}`,
    "",
  ].join("\n");
}

/** What is trained for and what is not, apart: alignment or generalization? */
function formatBenchmarks({
  step,
  n,
  records,
  file,
  benchmarks = [],
}: Pick<CheckpointEvaluation, "step" | "n" | "records" | "file" | "benchmarks">): string {
  const row = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(18)}${cells.map((cell) => cell.padStart(10)).join("")}`.trimEnd();
  const summary = records.find(({ scope }) => scope === "all")?.metrics ?? {};
  const part = (title: string, domain: "in" | "out", mean: string): string[] => {
    const own = benchmarks.filter(({ chosen }) => chosen.domain === domain);
    if (own.length === 0) return [];
    return [
      row(title, ["questions", "left out", "score", ...(n === 1 ? [] : [`mean@${n}`, `best@${n}`])]),
      ...own.map(({ chosen, questions, headline, record }) =>
        row(chosen.benchmark.name, [
          String(questions),
          String(record.metrics["benchmark/left_out"] ?? 0),
          headline.toFixed(4),
          ...(n === 1
            ? []
            : [`acc/mean@${n}`, `acc/best@${n}/mean`].map((metric) => record.metrics[metric]?.toFixed(4) ?? "")),
        ]),
      ),
      row("mean", ["", "", summary[mean]?.toFixed(4) ?? ""]),
      "",
    ];
  };
  const notes = benchmarks.flatMap(({ chosen, leftOut }) =>
    Object.entries(leftOut).map(([reason, count]) => `  ${chosen.benchmark.name}: ${count} left out, ${reason}`),
  );
  return [
    `Step ${step}`,
    ...part("in-domain", "in", "benchmark/in_domain_mean"),
    ...part("out-of-domain", "out", "benchmark/out_of_domain_mean"),
    ...(notes.length === 0
      ? []
      : [...notes.slice(0, 12), ...(notes.length > 12 ? [`  .. and ${notes.length - 12} more reasons`] : []), ""]),
    `Records: ${file}`,
    "",
  ].join("\n");
}
