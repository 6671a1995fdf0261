/** Tells by their first bytes what files are, so that a wrong one is answered with what it is. */
import { foreignBytes } from "@v-triune/data-filters/browser";
import { DatasetError } from "@v-triune/schema";

/** A file with its path in the folder that was chosen, or its bare name. */
export interface NamedFile {
  readonly path: string;
  readonly blob: Blob;
}

const HEAD_BYTES = 512;
const PARQUET = "PAR1";

/** Formats by their first characters. */
const FORMATS: readonly (readonly [start: RegExp, name: string])[] = [
  [/^\x89PNG/, "a PNG picture"],
  [/^\xff\xd8\xff/, "a JPEG picture"],
  [/^GIF8/, "a GIF picture"],
  [/^RIFF[^]{4}WEBP/, "a WebP picture"],
  [/^%PDF/, "a PDF document"],
  [/^PK/, "a ZIP archive"],
  [/^ARROW1/, "an Arrow file"],
  [/^[^]{257}ustar/, "a tar archive"],
  [/^SQLite format 3/, "an SQLite database"],
  [/^(\s*[[{])/, "JSON"],
];

/** What a file is, for an error. */
export function formatOf(head: Uint8Array): string {
  if (head.length === 0) return "an empty file";
  const foreign = foreignBytes(head);
  if (foreign !== undefined) return foreign.found;
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("");
  return FORMATS.find(([start]) => start.test(text))?.[1] ?? "a file of another format";
}

/** The first bytes of a file. @throws DatasetError if it cannot be read */
export async function headOf({ path, blob }: NamedFile): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer());
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Whether a file begins as Parquet does. */
export function isParquet(head: Uint8Array): boolean {
  return String.fromCharCode(...head.subarray(0, 4)) === PARQUET;
}

/** The error for a file that the browser cannot read: it was moved, changed or is on a disk that is gone. */
export function unreadable(file: string, cause: unknown): DatasetError {
  return new DatasetError({
    code: "unreadable",
    file,
    expected: "a file that stays as it was when it was chosen",
    found: cause instanceof Error ? cause.message : String(cause),
    fix: "choose the file again",
    cause,
  });
}

/** The error for a file that is no Parquet, or one that was cut off. */
export async function notParquet(file: NamedFile, cause?: unknown): Promise<DatasetError> {
  const head = await headOf(file);
  const isCut = isParquet(head);
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  return new DatasetError({
    code: "not-parquet",
    file: file.path,
    expected: "a whole Parquet file",
    found: isCut
      ? `the beginning of a Parquet file of ${file.blob.size} bytes, without its end${reason}`
      : formatOf(head),
    fix:
      foreignBytes(head)?.fix ??
      (isCut ? "copy or download the file again: it is cut off or damaged" : "choose a Parquet file"),
    cause,
  });
}
