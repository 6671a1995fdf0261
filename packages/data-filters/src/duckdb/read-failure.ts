/**
 * Typed errors for what DuckDB could not read. DuckDB's Node API has no error codes, so the message decides the kind of
 * a failure.
 */
import { DatasetError, type DatasetErrorDetails } from "@v-triune/schema";
import { duckdbMessage } from "./database";
import { foreignFile } from "./file-head";

/** The error for a file that is not a Parquet file, or whose footer is damaged. */
export function notParquet(file: string, error: unknown): DatasetError {
  if (shortOf(error) !== undefined) return readFailure(error, file);
  return new DatasetError({
    code: "not-parquet",
    file,
    expected: "a whole Parquet file",
    found: duckdbMessage(error),
    fix: "copy or write the file again: it is cut off, damaged or of another format",
    ...foreignFile(file),
    cause: error,
  });
}

/**
 * The error for rows that could not be read.
 *
 * @param file the file that was read. Default: none, for tables of the database.
 */
export function readFailure(error: unknown, file?: string): DatasetError {
  if (error instanceof DatasetError) return error;
  const found = duckdbMessage(error);
  return new DatasetError({ code: "unreadable", file, found, ...adviceFor(error, file), cause: error });
}

/** Whether DuckDB had too little disk space for what it reads or writes. */
export function isDiskFull(error: unknown): boolean {
  return shortOf(error) === "disk";
}

/** Whether DuckDB had too little memory or disk space. */
export function isOutOfSpace(error: unknown): boolean {
  return shortOf(error) !== undefined;
}

function shortOf(error: unknown): "memory" | "disk" | undefined {
  const text = String(error);
  if (/max_temp_directory_size|No space left|Disk quota|File too large/i.test(text)) return "disk";
  return /Out of Memory/i.test(text) ? "memory" : undefined;
}

function adviceFor(error: unknown, file: string | undefined): Pick<DatasetErrorDetails, "expected" | "fix"> {
  const short = shortOf(error);
  if (short === "disk") {
    return {
      expected: "disk space for the rows that do not fit into memory",
      fix: "free space, choose another temporary folder, or raise memoryLimit",
    };
  }
  if (short === "memory") {
    return {
      expected:
        file === undefined ? "rows that fit into the memory limit" : "row groups that fit into the memory limit",
      fix: "raise memoryLimit, read with threads: 1, or write the file again with smaller row groups",
    };
  }
  if (file !== undefined && /\.(csv|tsv)$/i.test(file)) {
    return {
      expected: "a table in UTF-8 with the same columns in every line",
      fix: "fix the line: quote cells with commas or quotes, add missing cells, save the file as UTF-8",
    };
  }
  return file === undefined
    ? { expected: "all rows of the query", fix: "run again; if it fails again, report it with this message" }
    : {
        expected: "rows that can be decoded",
        fix: "copy or write the file again: it is damaged, or was changed while it was read",
      };
}
