/**
 * Values that rules need and that are computed from text outside SQL. Each different text is computed once, no matter
 * how many rows have it.
 */
import { BIGINT, VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import { queryRows, type Database } from "../duckdb/database";
import { readChunks } from "../duckdb/read-chunks";
import type { RuleNeed } from "../tables/curation-tables";
import { fillTable, type Cells } from "../tables/fill-table";
import type { TextTask } from "../workers/text-tasks";
import type { TextWorkers } from "../workers/text-workers";

/** A need that is met by computing a value from a text. */
export type TextNeed = Extract<RuleNeed, TextTask>;

/**
 * The text of a row that the value is computed from, as SQL. A question's digits say nothing about its language, so
 * "cube 17" and "cube 18" become one text. That holds for questions that are sure to be under the 1000 characters that
 * are looked at; in longer ones another number of digits would shift the end.
 */
export const TEXT_OF: Readonly<Record<TextNeed, string>> = {
  language: `CASE WHEN length(question) <= 500 THEN regexp_replace(question, '[0-9]+', '0', 'g')
    ELSE coalesce(question, '') END`,
  verified: "coalesce(answer, '')",
};

/** Whether a need is computed from a text. */
export function isTextNeed(need: RuleNeed): need is TextNeed {
  return need === "language" || need === "verified";
}

const DISTINCT_TEXTS = "distinct_texts";
const COMPUTED = "computed";
const COMPUTED_COLUMNS = { number: BIGINT, value: VARCHAR };

/**
 * Fills the table `texts_<need>(text, value)` for the rows of `relation`.
 *
 * @returns the table's name
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
    `CREATE OR REPLACE TABLE ${DISTINCT_TEXTS} AS SELECT DISTINCT ${TEXT_OF[need]} AS text FROM ${relation}`,
  );
  const [count] = await queryRows(connection, `SELECT count(*) AS n FROM ${DISTINCT_TEXTS}`);
  const values = workers.compute(need, textsOf(connection, signal), Number(count?.n));
  await fillTable(writer, COMPUTED, COMPUTED_COLUMNS, numbered(values));
  await connection.run(
    `CREATE OR REPLACE TABLE ${table} AS
     SELECT text, value FROM ${DISTINCT_TEXTS} d JOIN ${COMPUTED} c ON d.rowid = c.number`,
  );
  for (const done of [DISTINCT_TEXTS, COMPUTED]) await connection.run(`DROP TABLE ${done}`);
  return table;
}

async function* textsOf(connection: DuckDBConnection, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const sql = `SELECT text FROM ${DISTINCT_TEXTS} ORDER BY rowid`;
  for await (const chunk of readChunks(connection, sql, { signal }))
    for (const text of chunk.getColumnValues(0)) yield String(text ?? "");
}

async function* numbered(values: AsyncIterable<readonly string[]>): AsyncGenerator<Cells> {
  let number = 0n;
  for await (const some of values) for (const value of some) yield { number: number++, value };
}
