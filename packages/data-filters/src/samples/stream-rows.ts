import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { plain } from "../duckdb/database";
import { notParquet } from "./parquet-files";

/** Rows of a query one by one; a picture is copied out of DuckDB's memory when its row is reached, not before. */
export async function* streamRows(connection: DuckDBConnection, file: string, sql: string): AsyncGenerator<unknown[]> {
  try {
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      const vectors = Array.from({ length: chunk.columnCount }, (_, i) => chunk.getColumnVector(i));
      for (let row = 0; row < chunk.rowCount; row++) yield vectors.map((vector) => plain(vector.getItem(row)));
      // Else its pictures stay until the collector of JavaScript, which doesn't see them, runs for another reason.
      chunk.reset();
    }
  } catch (error) {
    throw error instanceof DatasetError ? error : notParquet(file, error);
  }
}
