/** Golds that look wrong: the table in the output folder, and what the report says about them. */
import { join } from "node:path";
import { literal, queryRows } from "../duckdb/database";
import { DROPPED, ROWS } from "../tables/curation-tables";
import { AGREEMENTS, type SourceGolds } from "./add-suspicions";
import type { CurationRun } from "./curation-run";
import { SUSPICIOUS_GOLDS_FILE, type SuspiciousGoldsReport } from "./report";

/** Chance of being wrong from which a gold counts as suspected. */
export const SUSPECTED = 0.5;
/** Chance from which a row is in the table. */
const LISTED = 0.01;

/** Writes the rows whose gold may be wrong, the most suspicious first. */
export async function writeSuspiciousGolds({ database, output, rules }: CurationRun): Promise<void> {
  const names = `([${rules.map(({ name }) => literal(name)).join(", ")}]::VARCHAR[])`;
  await database.connection.run(`COPY (
    SELECT source, id, task, question, r.answer, r.boxes, gold_suspicion AS suspicion, answer_count, r.gold_count,
      r.consensus, r.consensus_count, a.classes, a.agreed, ${DROPPED}.rule IS NULL AS kept, ${names}[rule + 1] AS dropped_by
    FROM ${ROWS} r JOIN ${AGREEMENTS} a USING (row) LEFT JOIN ${DROPPED} USING (row)
    WHERE gold_suspicion >= ${LISTED} ORDER BY gold_suspicion DESC, row
  ) TO ${literal(join(output.partial, SUSPICIOUS_GOLDS_FILE))} (FORMAT parquet)`);
}

/** Counts suspected golds, by source. */
export async function suspiciousGoldsReport(
  { database, bound }: CurationRun,
  golds: readonly SourceGolds[],
): Promise<SuspiciousGoldsReport> {
  const counts = await queryRows(
    database.connection,
    `SELECT part, count(*) AS n FROM ${ROWS} WHERE gold_suspicion >= ${SUSPECTED} GROUP BY part`,
  );
  const sources = golds.map(({ part, rows, behavior }) => ({
    source: bound.sources[part]?.adapter.info.key ?? "",
    rows,
    suspected: Number(counts.find((count) => count.part === part)?.n ?? 0),
    ...behavior,
  }));
  return {
    rows: sources.reduce((sum, { rows }) => sum + rows, 0),
    suspected: sources.reduce((sum, { suspected }) => sum + suspected, 0),
    sources,
  };
}
