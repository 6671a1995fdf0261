/**
 * Answers "Why was this row dropped?" from a run's ledger: the rule that the row was charged to, and for every other
 * rule of the run whether it would have hit the row, too.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { fileLiteral } from "../duckdb/scan";
import { ruleFromReport } from "../rules/catalogue";
import type { FilterRule } from "../rules/filter-rule";
import { metWith, NEED_COLUMNS, ROWS, type RuleNeed } from "../tables/curation-tables";
import { LEDGER_FILE, type CurationReport } from "./report";
import { UNREADABLE_RULE } from "./write-ledger";

/** What became of a row. */
export interface RowExplanation {
  readonly source: string;
  readonly id: string;
  readonly kept: boolean;
  /** The rule it is charged to, and why. `unreadable` for a record that could not be used. */
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
   * `dropped`: the row is charged to it. `hits`: it would have dropped the row, too. `tags`: it hits
   * the row, and drops none. `passes`: it keeps the row. `other
   * rows`: it is not about this task or source. `not reached`: it uses other rows that were left, or values that were
   * computed only for rows that were left.
   */
  readonly verdict: "dropped" | "hits" | "tags" | "passes" | "other rows" | "not reached";
}

/**
 * Explains one row of a finished run: the first that has the id, or the record that cannot be used.
 *
 * ```ts
 * console.log(formatExplanation(await explainRow("corpus", "mm_math/MM_Math/1234")));
 * ```
 * @param output folder of the run
 * @param key source and id, joined by `/`; the end of an id is enough if no other id ends in it. For a record that
 *   cannot be used also its file and row: `mine/rows/4`
 * @throws DatasetError if the folder holds no run, or the run has no such row (with ids that are similar)
 */
export async function explainRow(output: string, key: string): Promise<RowExplanation> {
  const [first] = await explainRows(output, key);
  return first as RowExplanation;
}

/**
 * As `explainRow`, for all rows that have the id, in the order in which they were read.
 *
 * @returns at least one explanation
 */
export async function explainRows(output: string, key: string): Promise<RowExplanation[]> {
  const report = readReport(output);
  const slash = key.indexOf("/");
  const source = slash < 0 ? key : key.slice(0, slash);
  const id = slash < 0 ? "" : key.slice(slash + 1);
  const ledger = fileLiteral(join(output, LEDGER_FILE));
  return withDatabase({ threads: 1 }, async (connection) => {
    const columns = (await connection.run(`SELECT * FROM ${ledger} LIMIT 0`)).columnNames();
    const place = columns.includes("place") ? "place" : "NULL";
    const exact = `(id = ${literal(id)} OR coalesce(${place} = ${literal(id)}, false))`;
    const ending = `(ends_with(id, ${literal(`/${id}`)}) OR coalesce(ends_with(${place}, ${literal(`/${id}`)}), false))`;
    // Ids begin with the owner's file or split. Their last part is enough if only one id ends in it.
    await connection.run(
      `CREATE TABLE ${FOUND} AS SELECT * FROM (
         SELECT *, ${exact} AS is_exact FROM (SELECT *, row_number() OVER () AS number FROM ${ledger})
         WHERE source = ${literal(source)} AND (${exact} OR ${ending}))
       QUALIFY is_exact OR (count(DISTINCT id) OVER () = 1 AND NOT bool_or(is_exact) OVER ())`,
    );
    const numbers = await queryRows(connection, `SELECT number FROM ${FOUND} ORDER BY number`);
    if (numbers.length === 0) throw await unknownRow(report, ledger, source, id, output);
    const explanations: RowExplanation[] = [];
    for (const { number } of numbers) {
      await connection.run(
        `CREATE OR REPLACE TABLE ${ROWS} AS SELECT 0 AS row, * FROM ${FOUND} WHERE number = ${String(number)}`,
      );
      explanations.push(await explainOnly(connection, report));
    }
    return explanations;
  });
}

/** The rows that were asked for. */
const FOUND = "found";

/** Explains the only row of `rows`. */
async function explainOnly(connection: DuckDBConnection, report: CurationReport): Promise<RowExplanation> {
  const [row = {}] = await queryRows(connection, `SELECT * FROM ${ROWS}`);
  const isUnreadable = row.dropped_by === UNREADABLE_RULE;
  const rules: RuleVerdict[] = [];
  let isGone = isUnreadable;
  for (const entry of report.rules) {
    const verdict: RuleVerdict["verdict"] = isUnreadable
      ? "not reached"
      : row.dropped_by === entry.name
        ? "dropped"
        : await verdictOf(entry, { connection, row, isGone, seed: report.seed });
    isGone ||= verdict === "dropped";
    rules.push({ rule: entry.name, reason: entry.reason, verdict });
  }
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return {
    source: text(row.source),
    id: text(row.id),
    kept: row.kept === true,
    droppedBy: typeof row.dropped_by === "string" ? row.dropped_by : null,
    reason: typeof row.reason === "string" ? row.reason : null,
    question: text(row.question),
    answer: text(row.answer),
    rules,
  };
}

/** The row of `rows`, and how far it came. */
interface ExplainedRow {
  readonly connection: DuckDBConnection;
  readonly row: Readonly<Record<string, unknown>>;
  /** Whether an earlier rule dropped it. */
  readonly isGone: boolean;
  readonly seed: number;
}

/** What a rule that did not drop the row says about it. */
async function verdictOf(
  entry: CurationReport["rules"][number],
  { connection, row, isGone, seed }: ExplainedRow,
): Promise<RuleVerdict["verdict"]> {
  const rule = rebound(entry);
  if (rule === null) return "not reached";
  const isAbout =
    (rule.tasks?.includes(row.task as never) ?? true) && (rule.sources?.includes(String(row.source)) ?? true);
  if (!isAbout) return "other rows";
  if (rule.scope === "set") return isGone ? "not reached" : "passes";
  if (isGone && !(rule.needs ?? []).every((need) => wasComputed(need, row))) return "not reached";
  const predicate = rule.sql({ relation: ROWS, seed });
  const [result] = await queryRows(connection, `SELECT coalesce((${predicate}), false) AS hit FROM ${ROWS}`);
  if (result?.hit !== true) return "passes";
  return rule.action === "tag" ? "tags" : "hits";
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

/** Whether a need was computed for a row before it was dropped. */
function wasComputed(need: RuleNeed, row: Readonly<Record<string, unknown>>): boolean {
  const columns = metWith(need).flatMap((one) => Object.keys(NEED_COLUMNS[one]));
  return columns.some((column) => (row[column] ?? null) !== null);
}

/** The explanation as text of at most 80 columns. */
export function formatExplanation(explanation: RowExplanation): string {
  const { source, id, kept, droppedBy, reason, rules, question, answer } = explanation;
  const fate = droppedBy === UNREADABLE_RULE ? "a record that cannot be used" : `dropped by ${droppedBy ?? "?"}`;
  const lines = [`${source}/${id}: ${kept ? "kept" : fate}`];
  if (reason !== null) lines.push(...reason.split("\n").map((line) => `  ${line}`));
  if (question !== "") lines.push(`  question  ${oneLine(question)}`);
  if (answer !== "") lines.push(`  answer    ${oneLine(answer)}`);
  lines.push("");
  for (const { rule, verdict } of rules)
    lines.push(`  ${MARKS[verdict]} ${rule.padEnd(24)} ${WORDS[verdict] ?? verdict}`);
  return lines.join("\n");
}

const MARKS: Readonly<Record<RuleVerdict["verdict"], string>> = {
  dropped: "✗",
  hits: "✗",
  tags: "•",
  passes: "✓",
  "other rows": " ",
  "not reached": " ",
};

const WORDS: Readonly<Partial<Record<RuleVerdict["verdict"], string>>> = {
  "other rows": "not for this task or source",
};

function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, " ");
  return flat.length > 66 ? `${flat.slice(0, 65)}…` : flat;
}

/** The report of a finished run. @throws DatasetError if the folder holds none */
export function readReport(output: string): CurationReport {
  const file = join(output, "report.json");
  if (!existsSync(file)) {
    throw new DatasetError({
      code: "missing-file",
      file,
      expected: "the report of a finished curation run",
      found: "no such file",
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
    fix: near.length > 0 ? `choose one of ${near.map((row) => `${source}/${String(row.id)}`).join(", ")}` : undefined,
  });
}
