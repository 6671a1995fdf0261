/**
 * Sixth step of a curation: `ledger.parquet`, every row that was read and its fate, for `explainRow` and for people.
 */
import { join } from "node:path";
import { literal } from "../duckdb/database";
import { DROPPED, REASONS, ROWS, SPLIT, UNREADABLE } from "../tables/curation-tables";
import type { CurationRun } from "./curation-run";
import { LEDGER_FILE } from "./report";

/** Rows per row group: DuckDB holds some groups in memory when it writes them. */
const GROUP_ROWS = 20_480;
/** What `dropped_by` says of a record that cannot be used. */
export const UNREADABLE_RULE = "unreadable";

/**
 * Writes the ledger. Columns: those of `rows`, then kept, dropped_by, reason, split, with all reasons all_rules, and
 * place. Records that cannot be used come last. Their place is the file and the row.
 */
export async function writeLedger({ bound, output, database, rules }: CurationRun): Promise<void> {
  const names = `([${rules.map((rule) => literal(rule.name)).join(", ")}]::VARCHAR[])`;
  const reasons = `([${rules.map((rule) => literal(rule.reason)).join(", ")}]::VARCHAR[])`;
  const hasAllReasons = bound.config.allReasons === true;
  const allRules = `, list_transform(${REASONS}.rules, lambda i: ${names}[i + 1]) AS all_rules`;
  await database.connection.run(`COPY (
    SELECT * EXCLUDE (group_, place_) FROM (
      SELECT ${ROWS}.* EXCLUDE (row, part, pictures, turns),
        ${DROPPED}.rule IS NULL AS kept,
        ${names}[${DROPPED}.rule + 1] AS dropped_by,
        ${reasons}[${DROPPED}.rule + 1] AS reason,
        CASE WHEN ${DROPPED}.rule IS NULL THEN CASE WHEN test THEN 'test' ELSE 'train' END END AS split
        ${hasAllReasons ? allRules : ""},
        NULL::VARCHAR AS place, 0 AS group_, ${ROWS}.row AS place_
      FROM ${ROWS} LEFT JOIN ${DROPPED} USING (row) LEFT JOIN ${SPLIT} USING (row)
        ${hasAllReasons ? `LEFT JOIN ${REASONS} USING (row)` : ""}
      UNION ALL BY NAME
      SELECT source, task, id, place, false AS kept, ${literal(UNREADABLE_RULE)} AS dropped_by, reason,
        1 AS group_, number AS place_
      FROM ${UNREADABLE}
    ) ORDER BY group_, place_
  ) TO ${literal(join(output.partial, LEDGER_FILE))} (FORMAT parquet, ROW_GROUP_SIZE ${GROUP_ROWS})`);
}
