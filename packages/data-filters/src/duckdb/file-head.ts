/** Tells what a file is that has the name of a table and is something else, by its first bytes. */
import { closeSync, openSync, readSync } from "node:fs";
import { DatasetError } from "@v-triune/schema";
import { foreignBytes, HEAD_BYTES, type ForeignFile } from "./foreign-bytes";

/** As `foreignBytes`, for a file. A file that cannot be read has no kind. */
export function foreignFile(file: string): ForeignFile | undefined {
  try {
    const handle = openSync(file, "r");
    try {
      const buffer = Buffer.alloc(HEAD_BYTES);
      return foreignBytes(buffer.subarray(0, readSync(handle, buffer)));
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/** @throws DatasetError if the file is something else than its name says */
export function assertTable(file: string): void {
  const foreign = foreignFile(file);
  if (foreign === undefined) return;
  const name = /\.(\w+)$/.exec(file)?.[1] ?? "";
  throw new DatasetError({ code: "unreadable", file, expected: `a .${name} file in UTF-8`, ...foreign });
}

/** The error for text in another encoding. */
export function notUtf8(file: string, row?: number): DatasetError {
  return new DatasetError({
    code: "unreadable",
    file,
    row,
    expected: "text in UTF-8",
    found: "bytes that are not UTF-8, as Latin-1 or GBK has them",
    fix: "save the file as UTF-8: iconv -f latin1 -t utf-8 OLD > NEW",
  });
}
