/**
 * "Why is this row gone?" answered from a run's ledger: the rule that the row was charged to, and for every other rule of
 * the run whether it would have hit the row too.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { ruleFromReport } from "../rules/catalogue";
import type { FilterRule } from "../rules/filter-rule";
import type { CurationReport } from "./report";

/** What became of a row. */
export interface RowExplanation {
  readonly source: string;
  readonly id: string;
  readonly kept: boolean;
  /** The rule it is charged to, and why. */
  readonly droppedBy: string | null;
  readonly reason: string | null;
  readonly question: string;
  readonly answer: string;
  /** Every rule of the run, in order. */
  readonly rules: readonly RuleVerdict[];
}

/** One rule on one row. */
export interface RuleVerdict {
  readonly rule: string;
  readonly reason: string;
  /**
   * `dropped`: charged to it. `hits`: would have dropped it, too. `passes`. `other rows`: it is not about this task or source.
   * `not reached`: it looks at what was left, or at what was only computed for rows that were left.
   */
  readonly verdict: "dropped" | "hits" | "passes" | "other rows" | "not reached";
}

/**
 * Explains one row of a finished run.
 *
 * ```ts
 * console.log(formatExplanation(await explainRow("corpus", "mm_math/MM_Math/1234")));
 * ```
 * @param output folder of the run
 * @param key source and id, joined by `/`; the end of an id will do where no other row ends in it
 * @throws DatasetError when the folder holds no run, or the run has no such row (with ids that are near)
 */
export async function explainRow(output: string, key: string): Promise<RowExplanation> {
  const report = readReport(output);
  const slash = key.indexOf("/");
  const source = slash < 0 ? key : key.slice(0, slash);
  const id = slash < 0 ? "" : key.slice(slash + 1);
  const ledger = literal(join(output, "ledger.parquet"));
  return withDatabase({ threads: 1 }, async (connection) => {
    // Ids begin with the owner's file or split; their last part will do where only one row ends in it.
    const candidates = `SELECT * FROM ${ledger} WHERE source = ${literal(source)} AND (id = ${literal(id)} OR ends_with(id, ${literal(`/${id}`)}))`;
    await connection.run(
      `CREATE TABLE rows AS SELECT 0 AS row, * FROM (${candidates}) QUALIFY id = ${literal(id)} OR count(*) OVER () = 1 LIMIT 1`,
    );
    const [row] = await queryRows(connection, "SELECT * FROM rows");
    if (row === undefined) throw await unknownRow(report, ledger, source, id, output);
    const columns = new Set(Object.keys(row));
    const rules: RuleVerdict[] = [];
    let gone = false;
    for (const entry of report.rules) {
      const rule = rebound(entry);
      if (rule === null) {
        rules.push({
          rule: entry.name,
          reason: entry.reason,
          verdict: row.dropped_by === entry.name ? "dropped" : "not reached",
        });
        gone ||= row.dropped_by === entry.name;
        continue;
      }
      const about =
        (rule.tasks?.includes(row.task as never) ?? true) && (rule.sources?.includes(String(row.source)) ?? true);
      let verdict: RuleVerdict["verdict"] = "not reached";
      if (row.dropped_by === rule.name) {
        verdict = "dropped";
        gone = true;
      } else if (!about) verdict = "other rows";
      else if (rule.scope === "row") {
        const known =
          !gone ||
          (rule.needs ?? []).every((need) =>
            NEED_COLUMNS[need].some((column) => columns.has(column) && row[column] !== null),
          );
        if (known) {
          const [hit] = await queryRows(
            connection,
            `SELECT coalesce((${rule.sql({ relation: "rows", seed: report.seed })}), false) AS hit FROM rows`,
          );
          verdict = hit?.hit === true ? "hits" : "passes";
        }
      } else if (!gone) verdict = "passes";
      rules.push({ rule: rule.name, reason: rule.reason, verdict });
    }
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    return {
      source,
      id: String(row.id),
      kept: row.kept === true,
      droppedBy: typeof row.dropped_by === "string" ? row.dropped_by : null,
      reason: typeof row.reason === "string" ? row.reason : null,
      question: text(row.question),
      answer: text(row.answer),
      rules,
    };
  });
}

/** A rule of the report, or null for one that was given from code. */
function rebound(entry: CurationReport["rules"][number]): FilterRule | null {
  try {
    return ruleFromReport(entry);
  } catch (error) {
    if (error instanceof DatasetError) return null;
    throw error;
  }
}

/** Columns that show that a need was computed for a row. */
const NEED_COLUMNS = {
  picture: ["smallest_side", "picture_error"],
  hash: ["picture_hash"],
  language: ["language"],
  verified: ["verified"],
  rollouts: ["rollout_count"],
} as const;

/** The explanation as text of at most 80 columns. */
export function formatExplanation(explanation: RowExplanation): string {
  const { source, id, kept, droppedBy, reason, rules, question, answer } = explanation;
  const lines = [`${source}/${id}: ${kept ? "kept" : `dropped by ${droppedBy ?? "?"}`}`];
  if (reason !== null) lines.push(`  ${reason}`);
  if (question !== "") lines.push(`  question  ${oneLine(question)}`);
  if (answer !== "") lines.push(`  answer    ${oneLine(answer)}`);
  lines.push("");
  for (const { rule, verdict } of rules) lines.push(`  ${MARKS[verdict]} ${rule.padEnd(24)} ${verdict}`);
  return lines.join("\n");
}

const MARKS: Readonly<Record<RuleVerdict["verdict"], string>> = {
  dropped: "✗",
  hits: "✗",
  passes: "✓",
  "other rows": " ",
  "not reached": " ",
};

function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, " ");
  return flat.length > 66 ? `${flat.slice(0, 65)}…` : flat;
}

/** The report of a finished run. @throws DatasetError when the folder holds none */
export function readReport(output: string): CurationReport {
  const file = join(output, "report.json");
  if (!existsSync(file)) {
    throw new DatasetError({
      code: "missing-file",
      file,
      expected: "the report of a finished curation run",
      found: "nothing there",
      fix: "run curate first, or name its output folder",
    });
  }
  return JSON.parse(readFileSync(file, "utf8")) as CurationReport;
}

async function unknownRow(
  report: CurationReport,
  ledger: string,
  source: string,
  id: string,
  output: string,
): Promise<DatasetError> {
  const keys = report.sources.map((one) => one.source);
  const near = await withDatabase({ threads: 1 }, (connection) =>
    queryRows(
      connection,
      `SELECT id FROM ${ledger} WHERE source = ${literal(source)} ORDER BY levenshtein(id, ${literal(id)}), id LIMIT 3`,
    ),
  );
  return new DatasetError({
    code: "bad-option",
    file: output,
    field: `${source}/${id}`,
    expected: near.length > 0 ? `an id of ${source}` : `one of the sources ${keys.join(", ")}`,
    found: near.length > 0 ? "no row of this id" : `no source ${source}`,
    fix: near.length > 0 ? `near ones: ${near.map((row) => `${source}/${String(row.id)}`).join(", ")}` : undefined,
  });
}
