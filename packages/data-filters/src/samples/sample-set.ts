/**
 * Random access to corpus files for training. Memory holds only some numbers per row and the names of the sources. The
 * rows of a step, with their pictures, are read when the step needs them: from a row store if one is asked for,
 * otherwise from Parquet.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError, parseSample, SAMPLE_COLUMNS, type Sample } from "@v-triune/schema";
import { openDatabase, plain, type DatabaseOptions } from "../duckdb/database";
import { notParquet } from "../duckdb/read-failure";
import { parquetScan } from "../duckdb/scan";
import { fileState } from "./file-state";
import { parquetFiles } from "./parquet-files";
import { projectColumns } from "./projection";
import type { RowStore } from "./row-store";
import { type RowStoreOptions, rowStores } from "./row-stores";

/** How rows are checked. */
export interface SampleSetOptions extends DatabaseOptions {
  /** Names that `reward_model.verifier` may have. Default: the verifiers that ship with V-Triune. */
  readonly verifiers?: readonly string[];
  /**
   * For repeated reading of scattered rows: the first reading copies the rows to a store in which each can be read
   * alone. Without it, each reading decodes most row groups of the files.
   */
  readonly rowStore?: RowStoreOptions;
}

/** Rows of Parquet files, numbered from 0 in the order of the files. */
export interface SampleSet {
  readonly length: number;
  /** The `data_source` of each row. */
  sourceOf(index: number): string;
  /** The place of a row, for messages and as the identity of a sample without an id. */
  placeOf(index: number): { readonly file: string; readonly row: number };
  /**
   * Reads rows, in the order of `indexes`. For a bad row it returns the error that says what is wrong, so that the
   * caller decides whether to continue.
   */
  read(indexes: readonly number[]): Promise<(Sample | DatasetError)[]>;
  /** Stops the copying of rows. Reads that have begun are completed. */
  close(): void;
}

interface FileRows {
  readonly file: string;
  /** Index of its first row. */
  readonly first: number;
  /** SQL that selects the columns in the order of SAMPLE_COLUMNS. Its FROM also has file_row_number. */
  readonly sql: string;
  readonly rows: number;
  readonly state: string;
  readonly sources: readonly string[];
}

/**
 * Opens corpus files.
 *
 * @param paths files, folders or globs
 * @throws DatasetError for a missing or damaged file, or a column of a wrong type
 */
export async function openSampleSet(
  paths: string | readonly string[],
  options: SampleSetOptions = {},
): Promise<SampleSet> {
  const database = await openDatabase(options);
  const { connection } = database;
  const files: FileRows[] = [];
  try {
    let first = 0;
    for (const file of await parquetFiles(connection, paths)) {
      const selected = await projectColumns(connection, file, SAMPLE_COLUMNS);
      const state = fileState(file);
      const sources = await sourceColumn(connection, file, selected[0] as string);
      const sql = `SELECT ${selected.join(", ")} FROM ${parquetScan(file, "file_row_number = true")}`;
      files.push({ file, first, sql, rows: sources.length, state, sources });
      first += sources.length;
    }
  } catch (error) {
    database.close();
    throw error;
  }
  const length = files.reduce((sum, { sources }) => sum + sources.length, 0);
  const fileOf = (index: number): FileRows => {
    let found = files[0];
    for (const candidate of files) if (candidate.first <= index) found = candidate;
    if (!found || !(index >= 0 && index < length)) throw new RangeError(`row ${index} of a set of ${length} rows`);
    return found;
  };
  const check = options.verifiers === undefined ? {} : { verifiers: options.verifiers };

  const closing = new AbortController();
  const reading = new Set<Promise<unknown>>();
  let stores: Promise<Map<string, RowStore>> | undefined;
  const damaged = new Set<string>();

  /** Values of rows of one file, without rows that the file no longer has. */
  async function values({ file, sql }: FileRows, rows: readonly number[]): Promise<Map<number, unknown[]>> {
    if (options.rowStore) stores ??= rowStores(connection, files, options.rowStore, closing.signal);
    const store = damaged.has(file) ? undefined : (await stores)?.get(file);
    try {
      if (store) return new Map((await store.read(rows)).map((found, at) => [rows[at] as number, found]));
    } catch (error) {
      damaged.add(file);
      options.rowStore?.tell?.({
        kind: "warning",
        message:
          `The copied rows of ${file} cannot be read: ${(error as Error).message}. ` +
          "They are read from Parquet until the next start, which copies them again.",
      });
    }
    try {
      const reader = await connection.runAndReadAll(
        `${sql} WHERE file_row_number IN (${rows.join(", ")})`.replace(/^SELECT /, "SELECT file_row_number, "),
      );
      return new Map(reader.getRows().map(([row, ...found]) => [Number(row), found.map(plain)]));
    } catch (error) {
      throw notParquet(file, error);
    }
  }

  async function read(indexes: readonly number[]): Promise<(Sample | DatasetError)[]> {
    const byFile = new Map<FileRows, Set<number>>();
    for (const index of indexes) {
      const file = fileOf(index);
      byFile.set(file, (byFile.get(file) ?? new Set()).add(index - file.first));
    }
    const found = new Map<number, Sample | DatasetError>();
    for (const [file, rows] of byFile) {
      for (const [row, cells] of await values(file, [...rows])) {
        const record = Object.fromEntries(SAMPLE_COLUMNS.map((column, i) => [column, cells[i]]));
        try {
          found.set(file.first + row, parseSample(record, { file: file.file, row, ...check }));
        } catch (error) {
          if (!(error instanceof DatasetError)) throw error;
          found.set(file.first + row, error);
        }
      }
    }
    return indexes.map((index) => found.get(index) ?? gone(fileOf(index), index));
  }

  return {
    length,
    sourceOf: (index) => fileOf(index).sources[index - fileOf(index).first] as string,
    placeOf: (index) => ({ file: fileOf(index).file, row: index - fileOf(index).first }),
    async read(indexes) {
      const job = read(indexes);
      reading.add(job);
      try {
        return await job;
      } finally {
        reading.delete(job);
      }
    },
    close() {
      closing.abort();
      if (reading.size === 0) database.close();
      else void Promise.allSettled(reading).then(() => database.close());
    },
  };
}

/** @param sql SQL that selects `data_source`, the first of SAMPLE_COLUMNS */
async function sourceColumn(connection: DuckDBConnection, file: string, sql: string): Promise<string[]> {
  try {
    const reader = await connection.runAndReadAll(`SELECT ${sql} FROM ${parquetScan(file)}`);
    // One string per source, shared by its rows.
    const names = new Map<string, string>();
    return (reader.getColumns()[0] ?? []).map((value) => {
      const name = String(value);
      if (!names.has(name)) names.set(name, name);
      return names.get(name) as string;
    });
  } catch (error) {
    throw notParquet(file, error);
  }
}

function gone({ file, first }: FileRows, index: number): DatasetError {
  return new DatasetError({
    code: "unreadable",
    file,
    row: index - first,
    expected: "the row that the file had when it was opened",
    found: "no such row",
    fix: "start again: the file was changed while it was in use",
  });
}
