/**
 * The one error of the data boundary: a file, a row or a folder that cannot be used as it is. It says where, what was
 * expected, what was found and what to do, and it reads well at 80 columns without a stack trace.
 */

/** What went wrong, for code that has to decide; people read the message. */
export type DatasetErrorCode =
  | "missing-file"
  | "unreadable"
  | "not-parquet"
  | "wrong-layout"
  | "missing-field"
  | "wrong-type"
  | "bad-value"
  | "image-count"
  | "bad-picture"
  | "output-in-use"
  | "write-failed"
  | "bad-option";

/** Where something is wrong and how to put it right. */
export interface DatasetErrorDetails {
  readonly code: DatasetErrorCode;
  /** The file or folder. */
  readonly file?: string | undefined;
  /** The row in that file, counted from 0 as Parquet readers count. */
  readonly row?: number | undefined;
  /** Dotted path of the leaf, as on disk: `reward_model.verifier_parm.det_reward_ratio.map`. */
  readonly field?: string | undefined;
  readonly expected: string;
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Thrown when data that a person supplied cannot be used.
 *
 * ```ts
 * new DatasetError({ code: "missing-file", file: "a.parquet", expected: "a Parquet file", found: "nothing there" }).message
 * // a.parquet
 * //   expected: a Parquet file
 * //   found:    nothing there
 * ```
 */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
  readonly code: DatasetErrorCode;
  readonly file: string | undefined;
  readonly row: number | undefined;
  readonly field: string | undefined;
  readonly expected: string;
  readonly found: string;
  readonly fix: string | undefined;

  constructor(details: DatasetErrorDetails) {
    super(formatDatasetError(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.file = details.file;
    this.row = details.row;
    this.field = details.field;
    this.expected = details.expected;
    this.found = details.found;
    this.fix = details.fix;
  }
}

/**
 * The message of a `DatasetError`: one line for the place, then expected, found and fix, each wrapped by its own label.
 *
 * @returns two to four lines
 */
export function formatDatasetError(details: DatasetErrorDetails): string {
  const place = [
    details.file,
    details.row === undefined ? undefined : `row ${details.row}`,
    details.field === undefined ? undefined : `field ${details.field}`,
  ].filter((part) => part !== undefined);
  const lines = [
    place.length > 0 ? place.join(", ") : "data set",
    `  expected: ${wrap(details.expected)}`,
    `  found:    ${wrap(details.found)}`,
  ];
  if (details.fix !== undefined) lines.push(`  do:       ${wrap(details.fix)}`);
  return lines.join("\n");
}

/**
 * A value as an error message shows it: JSON, cut at 60 characters, bytes by their length.
 *
 * ```ts
 * describeValue("mathverfy") // '"mathverfy"'
 * describeValue(new Uint8Array(3)) // "3 bytes"
 * ```
 */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "bigint") return `${value}`;
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = String(value);
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const INDENT = "            ";
const WIDTH = 80 - INDENT.length;

/** Breaks at spaces so that a labelled line stays within 80 columns; a path longer than that is left whole. */
function wrap(text: string): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > WIDTH) {
        lines.push(line);
        line = word;
      } else {
        line = line === "" ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines.join(`\n${INDENT}`);
}
