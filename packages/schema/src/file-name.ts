/**
 * Names of corpus files: `{split}_{task}_{source}_{count}.parquet`, and `_x2` (`_x3`, ..) if each sample is in it that
 * often: `train_math_mmmath_3539.parquet`, `train_puzzle_puzzlevqa_2648_x2.parquet`.
 */
import { DatasetError } from "./dataset-error";

/** The parts of a corpus file's name. */
export interface ParquetFileNameParts {
  /** `train` or `test`. */
  readonly split: string;
  readonly task: string;
  /** May hold underscores (`coco_test_multi`). */
  readonly source: string;
  /** Distinct samples. */
  readonly count: number;
  /** How often each sample is in the file; 1 is not written. */
  readonly copies?: number;
}

/**
 * Composes a file name.
 *
 * ```ts
 * parquetFileName({ split: "train", task: "puzzle", source: "puzzlevqa", count: 2648, copies: 2 })
 * // "train_puzzle_puzzlevqa_2648_x2.parquet"
 * ```
 * @throws DatasetError when a part could not be read back from the name
 */
export function parquetFileName(parts: ParquetFileNameParts): string {
  const copies = parts.copies ?? 1;
  const words: [string, string, RegExp][] = [
    ["split", parts.split, /^[a-z]+$/],
    ["task", parts.task, /^[a-z]+$/],
    ["source", parts.source, /^[a-z0-9]+(_[a-z0-9]+)*$/],
    ["count", `${parts.count}`, /^\d+$/],
    ["copies", `${copies}`, /^[1-9]\d*$/],
  ];
  for (const [field, value, pattern] of words) {
    if (!pattern.test(value)) {
      throw new DatasetError({
        code: "bad-value",
        field,
        expected: `a part of a file name (${pattern.source})`,
        found: value,
      });
    }
  }
  return `${parts.split}_${parts.task}_${parts.source}_${parts.count}${copies > 1 ? `_x${copies}` : ""}.parquet`;
}

/**
 * Reads a corpus file's name, with or without folders before it.
 *
 * @returns the parts, or null when the name has another form
 */
export function parseParquetFileName(path: string): Required<ParquetFileNameParts> | null {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const match = /^([a-z]+)_([a-z]+)_([a-z0-9_]+)_(\d+)(?:_x([1-9]\d*))?\.parquet$/.exec(name);
  if (match === null) return null;
  const [, split = "", task = "", source = "", count = "", copies = "1"] = match;
  return { split, task, source, count: Number(count), copies: Number(copies) };
}
