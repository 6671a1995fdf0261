/**
 * The row stores of a set's Parquet files: found in a cache folder, or made there by reading each file once, in order.
 * A store belongs to a file's path, size and time of change and to the columns that are read, so that a changed file
 * gets another store.
 */
import { createHash } from "node:crypto";
import { realpathSync, statSync } from "node:fs";
import { mkdir, readdir, rm, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { openDatabase } from "../duckdb/database";
import { fileLiteral } from "../duckdb/scan";
import { fileState } from "./file-state";
import { openRowStore, type RowStore, rowStoreIdentity, writeRowStore } from "./row-store";
import { streamRows } from "./stream-rows";

/** Where copies of rows are kept. */
export interface RowStoreOptions {
  /** Default: `rows` in `V_TRIUNE_CACHE_DIR` or, if that is not set, in `v-triune` in the user's cache folder. */
  readonly folder?: string;
  /** Sets of fewer uncompressed bytes are read from Parquet every time, which is fast for them. Default 32 MB. */
  readonly smallest?: number;
  /**
   * Called once when rows are copied, and when they cannot be copied. In that case rows are read from Parquet, whole
   * columns at a time.
   */
  readonly tell?: (notice: RowStoreNotice) => void;
}

/** A message about the copies. */
export interface RowStoreNotice {
  readonly kind: "copying" | "warning";
  readonly message: string;
}

/** A file of a set, in its state when the set was opened. */
export interface StoredFile {
  readonly file: string;
  readonly rows: number;
  /** The file's `fileState`. */
  readonly state: string;
  /** SQL that selects the columns of a row. */
  readonly sql: string;
}

function rowsFolder(): string {
  const { V_TRIUNE_CACHE_DIR: own, XDG_CACHE_HOME: xdg } = process.env;
  if (own) return join(resolve(own), "rows");
  return join(
    xdg || (process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache")),
    "v-triune",
    "rows",
  );
}

/**
 * The stores of `files`, by path. Missing stores are made. Files without a store must be read from Parquet.
 *
 * @throws DatasetError if a file cannot be read; the signal's reason if it is aborted
 */
export async function rowStores(
  connection: DuckDBConnection,
  files: readonly StoredFile[],
  { folder = rowsFolder(), smallest = 32e6, tell = () => {} }: RowStoreOptions,
  signal: AbortSignal,
): Promise<Map<string, RowStore>> {
  const stores = new Map<string, RowStore>();
  const sizes = new Map<string, number>();
  for (const { file } of files) sizes.set(file, await uncompressedBytes(connection, file));
  if (sum(sizes.values()) < smallest) return stores;
  const missing: { file: StoredFile; path: string; prefix: string; identity: Buffer }[] = [];
  for (const file of files) {
    const identity = rowStoreIdentity(`${file.state} ${file.sql}`);
    const place = createHash("sha256").update(realpathSync(file.file)).digest("hex").slice(0, 12);
    const prefix = `${basename(file.file)}-${place}-`;
    const path = join(folder, `${prefix}${identity.toString("hex").slice(0, 12)}.rows`);
    const store = await openRowStore(path, identity, file.rows);
    if (store) stores.set(file.file, store);
    else missing.push({ file, path, prefix, identity });
  }
  if (missing.length === 0) return stores;
  const needed = sum(missing.map(({ file }) => sizes.get(file.file) ?? 0));
  const refuse = (why: string): void =>
    tell({
      kind: "warning",
      message:
        `Rows are read from Parquet, which can take seconds per step: ${why}. ` +
        `Set V_TRIUNE_CACHE_DIR to a folder with room for ${gigabytes(needed)}.`,
    });
  try {
    await mkdir(folder, { recursive: true });
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < 1.02 * needed) {
      refuse(`${gigabytes(bavail * bsize)} are free in ${folder}`);
      return stores;
    }
    tell({
      kind: "copying",
      message:
        `Copying ${gigabytes(needed)} of rows to ${folder}, once, so that a step reads only its own. ` +
        "You may delete the folder at any time.",
    });
    for (const { file, path, prefix, identity } of missing) {
      await removeOld(folder, prefix);
      await copyRows(file, path, identity, signal);
      const store = await openRowStore(path, identity, file.rows);
      // The file was changed after it was copied. Reading it from Parquet reports that.
      if (store === undefined || fileState(file.file) !== file.state) await rm(path, { force: true });
      else stores.set(file.file, store);
    }
  } catch (error) {
    if (signal.aborted || error instanceof DatasetError || !(error instanceof Error && "code" in error)) throw error;
    refuse(error.message);
  }
  return stores;
}

async function copyRows({ file, sql }: StoredFile, path: string, identity: Buffer, signal: AbortSignal): Promise<void> {
  // Its own database, since another query on the connection would end the stream. One thread keeps one row group in
  // memory.
  const database = await openDatabase({ threads: 1 });
  try {
    // One chunk of rows at a time, whose memory is returned at once: some chunks of 2,048 pictures would be gigabytes.
    await database.connection.run("SET streaming_buffer_size = '1KB'");
    await database.connection.run("SET allocator_bulk_deallocation_flush_threshold = '1MB'");
    await writeRowStore(path, identity, untilAborted(streamRows(database.connection, file, sql), signal));
  } finally {
    database.close();
  }
}

async function* untilAborted<T>(rows: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const row of rows) {
    signal.throwIfAborted();
    yield row;
  }
}

/** Removes stores of the file's earlier states, and what a killed process left behind more than a day ago. */
async function removeOld(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const isTemporary = name.startsWith(`.${prefix}`);
    if (!isTemporary && !name.startsWith(prefix)) continue;
    const path = join(folder, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    // Another process may have it open (Windows) or may have removed it.
    if (!isTemporary || age > 86_400_000) await rm(path, { force: true }).catch(() => undefined);
  }
}

async function uncompressedBytes(connection: DuckDBConnection, file: string): Promise<number> {
  const reader = await connection.runAndReadAll(
    `SELECT coalesce(sum(total_uncompressed_size), 0)::DOUBLE FROM parquet_metadata(${fileLiteral(file)})`,
  );
  return Number(reader.getColumns()[0]?.[0] ?? 0);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}
