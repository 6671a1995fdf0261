/**
 * The error of the data boundary: a file, a row or a folder that cannot be used as it is. It says where, what was
 * expected, what was found and how to fix it.
 */
import { VTriuneError, formatDetails } from "@v-triune/errors";

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
  | "row-count"
  | "bad-picture"
  | "output-in-use"
  | "write-failed"
  | "bad-option";

const WHAT: Readonly<Record<DatasetErrorCode, string>> = {
  "missing-file": "A file or folder is missing.",
  unreadable: "A file cannot be read.",
  "not-parquet": "A file is not a Parquet file.",
  "wrong-layout": "The files have another layout.",
  "missing-field": "A field is missing.",
  "wrong-type": "A field has the wrong type.",
  "bad-value": "A field has a value that cannot be used.",
  "image-count": "The prompt and its pictures do not match.",
  "row-count": "Rows are missing or counted twice.",
  "bad-picture": "A picture cannot be used.",
  "output-in-use": "The output exists already, or another run is writing it.",
  "write-failed": "The output cannot be written.",
  "bad-option": "An option cannot be used.",
};

/** Where something is wrong and how to fix it. */
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
  /** What to do about it, in the imperative. */
  readonly fix?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Thrown when data that a person supplied cannot be used. The message begins with the place.
 *
 * ```ts
 * new DatasetError({ code: "missing-file", file: "a.parquet", expected: "a Parquet file", found: "nothing" }).message
 * // a.parquet
 * //   expected: a Parquet file
 * //   found:    nothing
 * ```
 */
export class DatasetError extends VTriuneError {
  override readonly name = "DatasetError";
  declare readonly code: DatasetErrorCode;
  declare readonly expected: string;
  declare readonly found: string;
  readonly file: string | undefined;
  readonly row: number | undefined;
  readonly field: string | undefined;

  constructor(details: DatasetErrorDetails) {
    super({ what: WHAT[details.code], where: placeOf(details), ...details }, formatDatasetError(details));
    this.file = details.file;
    this.row = details.row;
    this.field = details.field;
  }
}

/**
 * The message of a `DatasetError`: one line for the place, then expected, found and fix, each wrapped by its own label.
 */
export function formatDatasetError(details: DatasetErrorDetails): string {
  return [placeOf(details) ?? "data set", ...formatDetails(details)].join("\n");
}

/** `file, row, field`, as far as they are known. */
function placeOf({ file, row, field }: DatasetErrorDetails): string | undefined {
  const parts = [
    ...(file === undefined ? [] : [file]),
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(field === undefined ? [] : [`field ${field}`]),
  ];
  return parts.length > 0 ? parts.join(", ") : undefined;
}
