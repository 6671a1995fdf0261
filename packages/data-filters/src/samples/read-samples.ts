/**
 * Reads corpus files as a stream of samples. DuckDB decodes only the columns that were asked for, one chunk at a time.
 * Pictures stay encoded bytes, and at most one chunk of them is in memory.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError, parseSample, SAMPLE_COLUMNS, type Sample, type SampleColumn } from "@v-triune/schema";
import { openDatabase, type DatabaseOptions } from "../duckdb/database";
import { parquetScan } from "../duckdb/scan";
import { parquetFiles } from "./parquet-files";
import { projectColumns } from "./projection";
import { streamRows } from "./stream-rows";

/** What to read, and what to do with bad rows. */
export interface ReadSamplesOptions extends DatabaseOptions {
  /** Throw at the first bad row. Default: true without `onBadRow`, false with it. */
  readonly strict?: boolean;
  /** Called for each row that is left out. */
  readonly onBadRow?: (error: DatasetError) => void;
  /** Columns to read. The others are empty and are not checked. Default: all. */
  readonly columns?: readonly SampleColumn[];
  /** Number of good rows to read. Default: all. */
  readonly limit?: number;
  /** Names that `reward_model.verifier` may have. Default: the verifiers that ship with V-Triune. */
  readonly verifiers?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Streams the samples of Parquet files in the Orsta layout, in the order of the files and their rows.
 *
 * ```ts
 * for await (const sample of readSamples("data/train_*.parquet")) ..
 * ```
 * @param paths files, folders or globs
 * @throws DatasetError for a missing or damaged file, a column of a wrong type, and, if strict, a bad row
 */
export async function* readSamples(
  paths: string | readonly string[],
  options: ReadSamplesOptions = {},
): AsyncGenerator<Sample> {
  const database = await openDatabase(options);
  try {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    for (const file of await parquetFiles(database.connection, paths)) {
      if (left <= 0) return;
      for await (const sample of readFile(database.connection, file, options)) {
        yield sample;
        if (--left <= 0) return;
      }
    }
  } finally {
    database.close();
  }
}

async function* readFile(
  connection: DuckDBConnection,
  file: string,
  options: ReadSamplesOptions,
): AsyncGenerator<Sample> {
  const columns = options.columns ?? SAMPLE_COLUMNS;
  const without = SAMPLE_COLUMNS.filter((column) => !columns.includes(column));
  const selected = await projectColumns(connection, file, columns);
  const strict = options.strict ?? options.onBadRow === undefined;
  const check = { file, without, ...(options.verifiers === undefined ? {} : { verifiers: options.verifiers }) };
  let row = 0;
  for await (const values of streamRows(connection, file, `SELECT ${selected.join(", ")} FROM ${parquetScan(file)}`)) {
    options.signal?.throwIfAborted();
    const record: Record<string, unknown> = {};
    for (const [i, column] of columns.entries()) record[column] = values[i];
    try {
      yield parseSample(record, { ...check, row });
    } catch (error) {
      if (!(error instanceof DatasetError) || strict) throw error;
      options.onBadRow?.(error);
    }
    row++;
  }
}
