/** Rows that are made in JavaScript, into a table of DuckDB, a chunk at a time. */
import { DuckDBDataChunk, type DuckDBConnection, type DuckDBType, type DuckDBValue } from "@duckdb/node-api";

/** DuckDB's chunks hold at most this many rows. */
export const CHUNK_ROWS = 2048;

/**
 * A table for values computed row by row outside SQL, keyed by `row`.
 *
 * @param connection the database's `writer`, as the rows are most often made from a stream of its other connection
 */
export async function fillTable(
  connection: DuckDBConnection,
  table: string,
  columns: readonly (readonly [string, DuckDBType])[],
  rows: AsyncIterable<readonly DuckDBValue[]>,
): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TABLE ${table}(${columns.map(([name, type]) => `${name} ${type.toString()}`).join(", ")})`,
  );
  const appender = await connection.createAppender(table);
  const types = columns.map(([, type]) => type);
  let pending: DuckDBValue[][] = columns.map(() => []);
  const flush = (): void => {
    const count = pending[0]?.length ?? 0;
    if (count === 0) return;
    const chunk = DuckDBDataChunk.create(types, count);
    chunk.setColumns(pending);
    appender.appendDataChunk(chunk);
    pending = columns.map(() => []);
  };
  try {
    for await (const row of rows) {
      for (const [i, cell] of row.entries()) pending[i]?.push(cell);
      if ((pending[0]?.length ?? 0) >= CHUNK_ROWS) flush();
    }
    flush();
  } finally {
    appender.closeSync();
  }
}
