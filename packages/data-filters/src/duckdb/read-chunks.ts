/**
 * The one place where a query is streamed. Every row arrives, or an error does.
 *
 * DuckDB's Node API (1.5.5) ends a streamed result in the same way when it is complete and when it failed on the way: `fetchChunk`
 * gives null or an empty chunk for a damaged page, a ragged line, exhausted memory or another query on the same connection. Two facts
 * of the C API (src/main/capi/result-c.cpp) make up for it:
 * - the return type of a result that holds an error is INVALID, which tells a failure from an end at no cost;
 * - the message is not bound, but EXPLAIN ANALYZE runs the same plan again, throws its rows away and raises the error.
 */
import { ResultReturnType, type DuckDBConnection, type DuckDBDataChunk, type DuckDBResult } from "@duckdb/node-api";
import { plain } from "./database";
import { readFailure } from "./read-failure";

/** What a failure is reported with, and what ends a stream. */
export interface ReadChunksOptions {
  /** The file that the query reads, for the error. */
  readonly file?: string;
  readonly signal?: AbortSignal | undefined;
}

/** A query whose rows arrive a chunk at a time. */
export interface QueryStream {
  readonly columnNames: readonly string[];
  /** Can be read once. */
  readonly chunks: AsyncIterable<DuckDBDataChunk>;
}

/**
 * Streams the rows of a query, at most 2048 per chunk. Memory stays bounded. While the stream is read, its connection must not run
 * another query, which would end it: rows are written by the database's `writer`.
 *
 * ```ts
 * for await (const chunk of readChunks(connection, "SELECT id, question FROM rows ORDER BY row"))
 *   for (const [id, question] of plainRows(chunk)) ..
 * ```
 * @throws DatasetError `unreadable` with DuckDB's words if the query fails, also after its first rows; the signal's reason
 */
export async function* readChunks(
  connection: DuckDBConnection,
  sql: string,
  options: ReadChunksOptions = {},
): AsyncGenerator<DuckDBDataChunk> {
  yield* (await openQuery(connection, sql, options)).chunks;
}

/** As `readChunks`, for callers that need the names of the columns. */
export async function openQuery(
  connection: DuckDBConnection,
  sql: string,
  options: ReadChunksOptions = {},
): Promise<QueryStream> {
  let result: DuckDBResult;
  try {
    result = await connection.stream(sql);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw readFailure(error, options.file);
  }
  return { columnNames: result.columnNames(), chunks: chunksOf(connection, result, sql, options) };
}

async function* chunksOf(
  connection: DuckDBConnection,
  result: DuckDBResult,
  sql: string,
  { file, signal }: ReadChunksOptions,
): AsyncGenerator<DuckDBDataChunk> {
  for (;;) {
    const chunk = await result.fetchChunk();
    signal?.throwIfAborted();
    if (chunk === null || chunk.rowCount === 0) break;
    yield chunk;
  }
  if (result.returnType === ResultReturnType.INVALID) throw readFailure(await causeOf(connection, sql), file);
}

/** The error of a query that failed while it was streamed. */
async function causeOf(connection: DuckDBConnection, sql: string): Promise<unknown> {
  return connection.run(`EXPLAIN ANALYZE ${sql}`).then(
    () => new Error("The rows ended early. DuckDB gave no reason, and a second run of the query succeeded."),
    (error: unknown) => error,
  );
}

/** The rows of a chunk as plain JavaScript values. */
export function* plainRows(chunk: DuckDBDataChunk): Generator<unknown[]> {
  for (let row = 0; row < chunk.rowCount; row++) yield chunk.getRowValues(row).map(plain);
}
