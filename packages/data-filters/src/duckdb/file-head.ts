/** Tells what a file is that has the name of a table and is something else, by its first bytes. */
import { closeSync, openSync, readSync } from "node:fs";
import { DatasetError } from "@v-triune/schema";

/** What was found in the place of a table or a picture, and what to do. */
export interface ForeignFile {
  readonly found: string;
  readonly fix: string;
}

const HEAD_BYTES = 512;

/** Texts by their first characters, archives by their first bytes. */
const KINDS: readonly (ForeignFile & { readonly text?: RegExp; readonly bytes?: readonly string[] })[] = [
  {
    text: /^version https:\/\/git-lfs\.github\.com\/spec/,
    found: "a Git LFS pointer, not the file itself",
    fix: "run `git lfs pull` in the clone, or download the file",
  },
  {
    text: /^(\u00ef\u00bb\u00bf)?\s*<(!doctype html|html|head|\?xml[^]*<html)/i,
    found: "a web page (HTML)",
    fix: "download the file itself; the page may ask for a login or a license",
  },
  { bytes: ["1f8b"], found: "a gzip archive", fix: "unpack it with gunzip" },
  { bytes: ["28b52ffd"], found: "a Zstandard archive", fix: "unpack it with unzstd" },
  { bytes: ["fffe", "feff"], found: "text in UTF-16", fix: "save it as UTF-8" },
];

/** What the beginning of a file is, if it is neither a table nor a picture; undefined otherwise. */
export function foreignBytes(bytes: Uint8Array): ForeignFile | undefined {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES));
  const text = head.toString("latin1");
  const hex = head.toString("hex", 0, 4);
  const kind = KINDS.find((one) => one.text?.test(text) ?? one.bytes?.some((start) => hex.startsWith(start)));
  return kind === undefined ? undefined : { found: kind.found, fix: kind.fix };
}

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
