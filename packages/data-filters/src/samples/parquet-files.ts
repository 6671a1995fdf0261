import { existsSync, readdirSync, statSync } from "node:fs";
import type { DuckDBConnection } from "@duckdb/node-api";
import { globPattern } from "@v-triune/node-kit/glob-pattern";
import { DatasetError } from "@v-triune/schema";
import { literal } from "../duckdb/database";

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
    const data = folder ? filesInFolder(path) : await filesOfGlob(connection, path);
    if (data.length === 0) {
      throw new DatasetError({
        code: "missing-file",
        file: path,
        expected: folder
          ? "a folder with *.parquet files"
          : "a Parquet file, a folder of them or a glob that matches one",
        found: folder ? `no such file in it${contentsOf(path)}` : "no such file",
        fix: folder ? "fix the path, or use a glob such as folder/**/*.parquet" : "fix the path",
      });
    }
    files.push(...data);
  }
  return files;
}

/** Corpus files of a folder. Its files for people have other names: `ledger.parquet`, and names that begin with `_`. */
function filesInFolder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && /^(?!ledger|_).*\.parquet$/.test(entry.name))
    .map(({ name }) => `${folder.replace(/\/$/, "")}/${name}`)
    .sort();
}

async function filesOfGlob(connection: DuckDBConnection, glob: string): Promise<string[]> {
  const reader = await connection.runAndReadAll(`SELECT file FROM glob(${literal(globPattern(glob))}) ORDER BY file`);
  return reader.getColumns()[0]?.map(String) ?? [];
}

/** The first names of a folder, for the error. */
function contentsOf(folder: string): string {
  const names = readdirSync(folder).sort().slice(0, 4);
  return names.length === 0 ? "" : `, only ${names.join(", ")}`;
}
