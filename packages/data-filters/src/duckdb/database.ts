/**
 * A separate DuckDB for each piece of work. It is in memory, moves data to a folder when its memory limit is reached,
 * and never uses the network (extensions are neither installed nor loaded automatically).
 */
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";

/** DuckDB's memory limit if none is set. */
export const DEFAULT_MEMORY_LIMIT = "2GB";

/** Limits of a database. */
export interface DatabaseOptions {
  /** DuckDB's `memory_limit`, for example `500MB`. Pictures that pass through JavaScript come on top. Default `2GB`. */
  readonly memoryLimit?: string | undefined;
  /** Worker threads. Default: one per core. */
  readonly threads?: number | undefined;
  /** Folder for what does not fit into memory. Default: DuckDB's choice. */
  readonly tempDirectory?: string | undefined;
}

/**
 * Opens a database, calls `work` with a connection, and closes both, also if `work` throws.
 *
 * @throws what `work` throws
 */
export async function withDatabase<T>(
  options: DatabaseOptions,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(options);
  try {
    return await work(database.connection);
  } finally {
    database.close();
  }
}

/** An open database; `close` frees its memory and its threads. */
export interface Database {
  readonly connection: DuckDBConnection;
  /**
   * A second connection, for appenders. An appender runs a query when it flushes, and a query ends the stream of
   * another query on the same connection. So rows are never read and appended on one connection.
   */
  readonly writer: DuckDBConnection;
  close(): void;
}

/** Opens a database that the caller closes. */
export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const config: Record<string, string> = {
    memory_limit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    // Without it the rows of a wide SELECT over Parquet may change their order, and the same input would give another
    // file.
    preserve_insertion_order: "true",
  };
  if (options.threads !== undefined) config.threads = `${options.threads}`;
  if (options.tempDirectory !== undefined) config.temp_directory = options.tempDirectory;
  const instance = await DuckDBInstance.create(":memory:", config);
  const connection = await instance.connect();
  const writer = await instance.connect();
  return {
    connection,
    writer,
    close() {
      writer.closeSync();
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** A string as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}

/** A name as a quoted SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replace(/"/g, '""')}"`;
}

/** A DuckDB message for the `found` of a typed error: without its class, its suggestions and its list of settings. */
export function duckdbMessage(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const end = lines.findIndex((line) => line.trim() === "" || /^(Possible|The search space)/.test(line));
  return lines
    .slice(0, end < 0 ? lines.length : Math.max(1, end))
    .join("\n")
    .replace(/^[A-Z][A-Za-z ]* Error: /, "");
}

/** All rows of a query as plain records: numbers, bigints beyond 2^53, strings, booleans, lists, null. */
export async function queryRows(connection: DuckDBConnection, sql: string): Promise<Record<string, unknown>[]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowObjects().map((row) => plain(row) as Record<string, unknown>);
}

/** A DuckDB value as plain JavaScript. Bytes stay bytes, and whole numbers beyond 2^53 stay bigints with all digits. */
export function plain(value: unknown): unknown {
  if (typeof value === "bigint") return isSafe(value) ? Number(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return value;
  const nested = value as {
    items?: readonly unknown[];
    entries?: Readonly<Record<string, unknown>>;
    bytes?: Uint8Array;
  };
  if (nested.bytes instanceof Uint8Array) return nested.bytes;
  if (Array.isArray(nested.items)) return nested.items.map(plain);
  const entries = nested.constructor === Object ? (value as Record<string, unknown>) : nested.entries;
  if (entries === undefined || typeof entries !== "object") return String(value);
  const record: Record<string, unknown> = {};
  for (const key of Object.keys(entries)) record[key] = plain(entries[key]);
  return record;
}

function isSafe(value: bigint): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
}
