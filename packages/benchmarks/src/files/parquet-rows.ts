/**
 * Rows of Parquet files as Hugging Face publishes them. Pictures (a struct of bytes and path) stay in the file until
 * they are asked for, as a benchmark's pictures may not fit in memory.
 */
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { exactPath } from "@v-triune/node-kit/exact-path";
import { BenchmarkError } from "../benchmark-error";

export interface ParquetRow {
  /** All columns but the pictures. */
  readonly values: Readonly<Record<string, unknown>>;
  /** `file:row`, for messages. */
  readonly where: string;
  /** The bytes of a picture column; undefined where the row has none there. */
  picture(column: string): Promise<Uint8Array | undefined>;
}

/** Parquet files below a folder whose path in it matches, in order. */
export function findParquet(folder: string, matches: (path: string) => boolean): string[] {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith(".parquet") && matches(name.replaceAll("\\", "/")))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * @param needed columns that must be there
 * @throws BenchmarkError when a file is damaged or lacks a column
 */
export async function readParquetRows(
  folder: string,
  files: readonly string[],
  needed: readonly string[],
): Promise<ParquetRow[]> {
  const rows: ParquetRow[] = [];
  for (const file of files) rows.push(...(await rowsOf(folder, file, needed)));
  return rows;
}

/** A path stands for the file of that name only, and the columns are those in the file. */
const scan = (file: string): string =>
  `read_parquet('${exactPath(file).replaceAll("'", "''")}', file_row_number = true, hive_partitioning = false)`;
const name = (column: string): string => `"${column.replaceAll('"', '""')}"`;

async function rowsOf(folder: string, file: string, needed: readonly string[]): Promise<ParquetRow[]> {
  const described = await query(file, `describe select * exclude (file_row_number) from ${scan(file)}`);
  const columns = described.map((row) => ({ column: String(row["column_name"]), type: String(row["column_type"]) }));
  const missing = needed.find((column) => !columns.some((other) => other.column === column));
  if (missing !== undefined) {
    throw new BenchmarkError({
      what: `A Parquet file of the benchmark has no column "${missing}".`,
      where: file,
      expected: needed.join(", "),
      found: columns.map(({ column }) => column).join(", "),
      fix: "check that the copy is of the published version",
    });
  }
  const light = columns.filter(({ type }) => !type.includes("BLOB")).map(({ column }) => name(column));
  const rows = await query(
    file,
    `select ${light.join(", ") || "1 as one"} from ${scan(file)} order by file_row_number`,
  );
  return rows.map((values, index) => ({
    values,
    where: `${relative(folder, file)}:${index}`,
    async picture(column) {
      if (!columns.some((other) => other.column === column)) return undefined;
      const [row] = await query(
        file,
        `select ${name(column)}.bytes as bytes from ${scan(file)} where file_row_number = ${index}`,
      );
      const bytes = row?.["bytes"];
      return bytes instanceof Uint8Array ? bytes : undefined;
    },
  }));
}

// oxlint-disable-next-line v-triune/module-state -- started once; it holds no tables, so no result depends on it
let database: Promise<DuckDBInstance> | undefined;

async function query(file: string, sql: string): Promise<Record<string, unknown>[]> {
  database ??= DuckDBInstance.create(":memory:");
  const connection = await (await database).connect();
  try {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRowObjects().map((row) => plain(row) as Record<string, unknown>);
  } catch (cause) {
    throw new BenchmarkError({
      what: "A Parquet file of the benchmark can't be read.",
      where: file,
      found: (cause as Error).message,
      fix: "download it again",
      cause,
    });
  } finally {
    connection.closeSync();
  }
}

/** DuckDB's values as plain ones: lists, structs, whole numbers, bytes. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plain);
  const special = value as {
    items?: readonly unknown[];
    entries?: Readonly<Record<string, unknown>>;
    bytes?: Uint8Array;
  };
  if (special.bytes instanceof Uint8Array && Object.keys(special).length === 1) return special.bytes;
  if (Array.isArray(special.items)) return special.items.map(plain);
  const record =
    special.entries !== undefined && !Array.isArray(special.entries) && typeof special.entries === "object"
      ? special.entries
      : (value as Record<string, unknown>);
  return Object.fromEntries(Object.entries(record).map(([key, entry]) => [key, plain(entry)]));
}
