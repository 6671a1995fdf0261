/**
 * Values that rules need and that are computed from text outside SQL. Each different text is computed once, whatever the number of
 * rows that have it.
 */
import { BIGINT, VARCHAR, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import { queryRows, type Database } from "../duckdb/database";
import { fillTable } from "../duckdb/fill-table";
import { readChunks } from "../duckdb/read-chunks";
import type { TextTask } from "../workers/text-tasks";
import type { TextWorkers } from "../workers/text-workers";
import type { RuleNeed } from "./filter-rule";

/** A need that is met by computing a value from a text. */
export type TextNeed = Extract<RuleNeed, TextTask>;

/**
 * The text of a row that the value is computed from, as SQL. A question's digits tell nothing of its language, so that "cube 17" and
 * "cube 18" are one text; only questions that are sure to be under the 1000 characters that are looked at, as others would shift.
 */
export const TEXT_OF: Readonly<Record<TextNeed, string>> = {
  language:
    "CASE WHEN length(question) <= 500 THEN regexp_replace(question, '[0-9]+', '0', 'g') ELSE coalesce(question, '') END",
  verified: "coalesce(answer, '')",
};

/** Whether a need is one of text. */
export function isTextNeed(need: RuleNeed): need is TextNeed {
  return need === "language" || need === "verified";
}

/**
 * Fills the table `texts_<need>(text, value)` for the rows of `relation`.
 *
 * @returns its name
 */
export async function computeTexts(
  { connection, writer }: Database,
  need: TextNeed,
  relation: string,
  workers: TextWorkers,
  signal: AbortSignal | undefined,
): Promise<string> {
  const table = `texts_${need}`;
  // Without an order: each value depends on its own text only.
  await connection.run(
    `CREATE OR REPLACE TABLE distinct_texts AS SELECT DISTINCT ${TEXT_OF[need]} AS text FROM ${relation}`,
  );
  const [count] = await queryRows(connection, "SELECT count(*) AS n FROM distinct_texts");
  await fillTable(
    writer,
    "computed",
    [
      ["number", BIGINT],
      ["value", VARCHAR],
    ],
    numbered(workers.compute(need, textsOf(connection, signal), Number(count?.n))),
  );
  await connection.run(
    `CREATE OR REPLACE TABLE ${table} AS SELECT text, value FROM distinct_texts d JOIN computed c ON d.rowid = c.number`,
  );
  for (const done of ["distinct_texts", "computed"]) await connection.run(`DROP TABLE ${done}`);
  return table;
}

async function* textsOf(connection: DuckDBConnection, signal: AbortSignal | undefined): AsyncGenerator<string> {
  for await (const chunk of readChunks(connection, "SELECT text FROM distinct_texts ORDER BY rowid", { signal }))
    for (const text of chunk.getColumnValues(0)) yield String(text ?? "");
}

async function* numbered(values: AsyncIterable<readonly string[]>): AsyncGenerator<DuckDBValue[]> {
  let at = 0n;
  for await (const some of values) for (const value of some) yield [at++, value];
}
