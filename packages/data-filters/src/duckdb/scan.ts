/**
 * Tables over files, as SQL. A path stands for the file of that name and for no other, and the columns are those in the
 * file: DuckDB would read `q[1].parquet` as a glob, and replace the column `answer` of a file below a folder
 * `answer=7`.
 */
import { exactPath } from "@v-triune/node-kit/exact-path";
import { literal } from "./database";

/** A path as an SQL literal for functions that take files. */
export function fileLiteral(path: string): string {
  return literal(exactPath(path));
}

/**
 * The table of one Parquet file, or of several with the same columns.
 *
 * @param options more options of `read_parquet`, such as `file_row_number = true`
 */
export function parquetScan(files: string | readonly string[], ...options: readonly string[]): string {
  const named = typeof files === "string" ? fileLiteral(files) : `[${files.map(fileLiteral).join(", ")}]`;
  return `read_parquet(${[named, "hive_partitioning = false", ...options].join(", ")})`;
}

/**
 * Lines as long as DuckDB's usual buffer of 32 MiB, which stays as it is. By itself it refuses lines of 2 MB, and
 * tables of benchmarks hold pictures as base64.
 */
export const LONG_LINES: readonly string[] = [`max_line_size = ${2 ** 25 - 1}`, `buffer_size = ${2 ** 25}`];

/** The table of a CSV or TSV file with all cells as text. @param options more options of `read_csv` */
export function csvScan(file: string, ...options: readonly string[]): string {
  const all = [fileLiteral(file), "all_varchar = true", "hive_partitioning = false", ...LONG_LINES, ...options];
  return `read_csv(${all.join(", ")})`;
}
