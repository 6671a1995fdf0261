/**
 * The only place that streams a query. Either all rows arrive, or an error does.
 *
 * DuckDB's Node API (1.5.5) ends a streamed result in the same way if it is complete and if it fails midway:
 * `fetchChunk` gives null or an empty chunk for a damaged page, a ragged line, exhausted memory or another query on the
 * same connection. Two other parts of the API help:
 * - The return type of a result that holds an error is INVALID. That tells a failure from an end at no cost.
 * - The error's message is not accessible, but EXPLAIN ANALYZE runs the same plan again, discards its rows and raises
 *   the error.
 */
import { ResultReturnType, type DuckDBConnection, type DuckDBDataChunk, type DuckDBResult } from "@duckdb/node-api";
import { plain } from "./database";
import { readFailure } from "./read-failure";

/** How a stream is reported and stopped. */
export interface ReadChunksOptions {
  /** The file that the query reads, for the error. */
  readonly file?: string;
  readonly signal?: AbortSignal | undefined;
}

/** A query whose rows arrive in chunks. */
export interface QueryStream {
  readonly columnNames: readonly string[];
  /** Can be read once. */
  readonly chunks: AsyncIterable<DuckDBDataChunk>;
}

/**
 * Streams the rows of a query, at most 2048 per chunk, in bounded memory. Until the stream is read, its connection must
 * not run another query, which would end it; the database's `writer` may.
 *
 * ```ts
 * for await (const chunk of readChunks(connection, "SELECT id, question FROM rows ORDER BY row"))
 *   for (const [id, question] of plainRows(chunk)) ..
 * ```
 * @throws DatasetError `unreadable` with DuckDB's message if the query fails, also after its first rows; the signal's
 *   reason
 */
export async function* readChunks(
  connection: DuckDBConnection,
  sql: string,
  options: ReadChunksOptions = {},
): AsyncGenerator<DuckDBDataChunk> {
  yield* (await openQuery(connection, sql, options)).chunks;
}

/** Like `readChunks`, for callers that need the names of the columns. */
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
