/** Columns of `rows` that are computed from text outside SQL: the language of the question, whether the gold can be verified. */
import type { Database } from "../duckdb/database";
import { computeTexts, TEXT_OF, type TextNeed } from "../rules/text-needs";
import type { TextWorkers } from "../workers/text-workers";

/** Adds the column of a need to `rows`, computed for the rows of `relation`; NULL for the others. */
export async function addTextColumn(
  database: Database,
  relation: string,
  need: TextNeed,
  workers: TextWorkers,
  signal: AbortSignal | undefined,
): Promise<void> {
  const table = await computeTexts(database, need, relation, workers, signal);
  await database.connection.run(`CREATE OR REPLACE TABLE rows AS SELECT rows.*, value AS ${need}
    FROM rows LEFT JOIN (SELECT row, value FROM ${relation} JOIN ${table} ON text = ${TEXT_OF[need]}) USING (row) ORDER BY row`);
  await database.connection.run(`DROP TABLE ${table}`);
}
