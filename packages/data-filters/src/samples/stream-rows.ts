import type { DuckDBConnection } from "@duckdb/node-api";
import { plain } from "../duckdb/database";
import { readChunks } from "../duckdb/read-chunks";
import { assertUnchanged, fileState } from "./file-state";

/**
 * Rows of a query over a file one by one. A picture is copied out of DuckDB's memory when its row is reached, not
 * before.
 *
 * @throws DatasetError `unreadable` if the file is damaged, does not fit into memory or changes while it is read
 */
export async function* streamRows(connection: DuckDBConnection, file: string, sql: string): AsyncGenerator<unknown[]> {
  const before = fileState(file);
  try {
    for await (const chunk of readChunks(connection, sql, { file })) {
      const vectors = Array.from({ length: chunk.columnCount }, (_, i) => chunk.getColumnVector(i));
      for (let row = 0; row < chunk.rowCount; row++) yield vectors.map((vector) => plain(vector.getItem(row)));
      // Otherwise its pictures stay until JavaScript's garbage collector runs for another reason: it does not count
      // them.
      chunk.reset();
    }
  } catch (error) {
    assertUnchanged(file, before, error);
    throw error;
  }
  assertUnchanged(file, before);
}
