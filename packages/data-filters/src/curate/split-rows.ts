/** Fourth step of a curation: which kept rows become the test set. */
import type { Database } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { ALIVE, createTable, SPLIT, SPLIT_COLUMNS } from "../tables/curation-tables";
import { fillTable, type Cells } from "../tables/fill-table";
import type { CurationRun } from "./curation-run";
import { testRows, type SplitConfig, type SplitRow } from "./split";

/** Fills `split`, which stays empty if the configuration has no split. */
export async function splitAlive({ bound, options, database }: CurationRun): Promise<void> {
  const { split } = bound.config;
  if (split === undefined) await createTable(database.writer, SPLIT, SPLIT_COLUMNS);
  else await splitRows(database, ALIVE, { ...split, seed: bound.seed, signal: options.signal });
}

/** Fills `split` for the rows of `relation`. */
export async function splitRows(
  { connection, writer }: Database,
  relation: string,
  {
    test,
    by = ["picture", "question"],
    seed,
    signal,
  }: SplitConfig & { seed: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const question = String.raw`regexp_replace(lower(trim(question)), '[\s\p{P}]+', ' ', 'g')`;
  const sql = `SELECT row, source, picture_digest, ${question} AS question FROM ${relation} ORDER BY row`;
  const rows: SplitRow[] = [];
  for await (const chunk of readChunks(connection, sql, { signal })) {
    for (const [row, source, digests, text] of plainRows(chunk)) {
      const keys: string[] = [];
      if (by.includes("picture") && typeof digests === "string")
        for (const digest of digests.split(",")) keys.push(`p${digest}`);
      if (by.includes("question") && typeof text === "string" && text !== "") keys.push(`q${text}`);
      rows.push({ row: Number(row), source: String(source), keys });
    }
  }
  const chosen = testRows(rows, test, seed);
  function* sides(): Generator<Cells> {
    for (const { row } of rows) yield { row: BigInt(row), test: chosen.has(row) };
  }
  await fillTable(writer, SPLIT, SPLIT_COLUMNS, sides());
}
