import { existsSync, statSync } from "node:fs";
import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { literal } from "../duckdb/database";
import { notParquet } from "../duckdb/read-failure";

/**
 * The files that paths, folders and globs name, in a fixed order: the given one, and by name within a glob or a folder.
 *
 * @throws DatasetError if one of them names no file
 */
export async function parquetFiles(connection: DuckDBConnection, paths: string | readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of typeof paths === "string" ? [paths] : paths) {
    if (existsSync(path) && !statSync(path).isDirectory()) {
      files.push(path);
      continue;
    }
    const folder = existsSync(path);
    const pattern = folder ? `${path.replace(/\/$/, "")}/*.parquet` : path;
    const reader = await connection.runAndReadAll(`SELECT file FROM glob(${literal(pattern)}) ORDER BY file`);
    const found = reader.getColumns()[0]?.map(String) ?? [];
    // A corpus folder also holds files for people, which have these names.
    const data = folder ? found.filter((file) => !/\/(ledger|_)[^/]*\.parquet$/.test(file)) : found;
    if (data.length === 0) {
      throw new DatasetError({
        code: "missing-file",
        file: path,
        expected: folder
          ? "a folder with *.parquet files"
          : "a Parquet file, a folder of them or a glob that matches one",
        found: folder ? "no such file in it" : "no such file",
        fix: "fix the path",
      });
    }
    files.push(...data);
  }
  return files;
}

/** A file's columns with their types. @throws DatasetError if the file is not Parquet or cut off */
export async function parquetColumns(connection: DuckDBConnection, file: string): Promise<Map<string, DuckDBType>> {
  try {
    const result = await connection.run(`SELECT * FROM read_parquet(${literal(file)}) LIMIT 0`);
    const types = result.columnTypes();
    return new Map(result.columnNames().map((name, i) => [name, types[i] as DuckDBType]));
  } catch (error) {
    throw notParquet(file, error);
  }
}
