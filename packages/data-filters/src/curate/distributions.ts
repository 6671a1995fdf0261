/** Distributions of a run's rows, before and after the rules, by source. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { queryRows } from "../duckdb/database";
import { ALIVE, columnsOfRows, ROWS } from "../tables/curation-tables";

/** One bar: rows before and after. */
export interface DistributionBar {
  readonly label: string;
  readonly before: number;
  readonly after: number;
}

/** One distribution of one source's rows. */
export interface Distribution {
  readonly source: string;
  readonly of: "answer length" | "boxes" | "category" | "difficulty" | "difficulty without the picture";
  /** In their natural order. Categories by size: the largest ones, then the rest under one label. */
  readonly bars: readonly DistributionBar[];
}

/** Bars per distribution of categories. */
const CATEGORIES = 12;

const KINDS: readonly {
  readonly of: Distribution["of"];
  readonly value: string;
  readonly where: string;
  readonly column?: string;
}[] = [
  {
    of: "answer length",
    value:
      "CASE WHEN length(answer) > 20 THEN 7 WHEN length(answer) > 10 THEN 6 WHEN length(answer) > 5 THEN 5 " +
      "ELSE greatest(length(answer) - 1, 0) END",
    where: "boxes IS NULL AND answer <> ''",
  },
  {
    of: "boxes",
    value: "CASE WHEN len(boxes) > 20 THEN 13 WHEN len(boxes) > 10 THEN 12 ELSE len(boxes) END",
    where: "boxes IS NOT NULL",
  },
  // A picture counts once for each category of its boxes.
  {
    of: "category",
    value:
      "unnest(CASE WHEN boxes IS NULL THEN [category] " +
      "ELSE list_distinct(list_transform(boxes, lambda b: b.label)) END)",
    where: "boxes IS NOT NULL OR coalesce(category, '') <> ''",
  },
  {
    of: "difficulty",
    value: "least(9, floor(mean_accuracy * 10))::INTEGER",
    where: "rollout_count > 0",
    column: "rollout_count",
  },
  {
    of: "difficulty without the picture",
    value: "least(9, floor(blind_accuracy * 10))::INTEGER",
    where: "blind_count > 0",
    column: "blind_count",
  },
];

const LABELS: Readonly<Partial<Record<Distribution["of"], (value: number) => string>>> = {
  "answer length": (value) => ["1", "2", "3", "4", "5", "6–10", "11–20", "> 20"][value] ?? "",
  boxes: (value) => (value === 13 ? "> 20" : value === 12 ? "11–20" : `${value}`),
  "difficulty without the picture": (value) => `${value * 10}–${value * 10 + 10} %`,
  difficulty: (value) => `${value * 10}–${value * 10 + 10} %`,
};

/** Distributions of `rows` against the rows that are left. */
export async function distributions(connection: DuckDBConnection): Promise<Distribution[]> {
  const columns = await columnsOfRows(connection);
  const result: Distribution[] = [];
  for (const { of, value, where, column } of KINDS) {
    if (column !== undefined && !columns.has(column)) continue;
    const counts = await queryRows(
      connection,
      `SELECT source, v, count(*) AS before, count(kept) AS after
       FROM (SELECT row, source, ${value} AS v FROM ${ROWS} WHERE ${where})
         LEFT JOIN (SELECT row, 1 AS kept FROM ${ALIVE}) USING (row)
       GROUP BY source, v ORDER BY source, ${of === "category" ? "before DESC, v" : "v"}`,
    );
    const bySource = new Map<string, DistributionBar[]>();
    for (const { source, v, before, after } of counts) {
      const label = LABELS[of]?.(Number(v)) ?? String(v);
      const bars = bySource.get(String(source)) ?? [];
      bars.push({ label, before: Number(before), after: Number(after) });
      bySource.set(String(source), bars);
    }
    for (const [source, bars] of bySource) result.push({ source, of, bars: of === "category" ? largest(bars) : bars });
  }
  return result;
}

function largest(bars: readonly DistributionBar[]): DistributionBar[] {
  if (bars.length <= CATEGORIES) return [...bars];
  const rest = bars.slice(CATEGORIES - 1);
  const sum = (of: (bar: DistributionBar) => number): number => rest.reduce((total, bar) => total + of(bar), 0);
  return [
    ...bars.slice(0, CATEGORIES - 1),
    { label: `${rest.length} others`, before: sum((b) => b.before), after: sum((b) => b.after) },
  ];
}
