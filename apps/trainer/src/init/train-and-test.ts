/** Tells training files of a corpus from its test files, by their names. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** `test_math_mine_20.parquet`, `test.parquet`, `validation-00000-of-00001.parquet`. */
const TEST_NAME = /^(test|val|valid|validation|eval|evaluation|dev|held[_-]?out)([_.-]|$)/i;

/** What of a corpus is trained on and what is evaluated. */
export interface CorpusSplit {
  /** A folder, a glob, or files. */
  readonly train: string | readonly string[];
  readonly eval: string | readonly string[] | null;
}

/**
 * Splits a folder into its training and test files: `train_*.parquet` and `test_*.parquet` of a curated corpus, or files of
 * other names one by one. Anything but a folder, and a folder without test files, is all trained on.
 */
export function splitCorpus(data: string): CorpusSplit {
  if (!existsSync(data) || !statSync(data).isDirectory()) return { train: data, eval: null };
  const names = parquetNames(data);
  const test = names.filter(isTestFile);
  const train = names.filter((name) => !isTestFile(name));
  if (test.length === 0 || train.length === 0) return { train: data, eval: null };
  return { train: globOr("train_", train, data), eval: globOr("test_", test, data) };
}

/** The test files among the files that a path, folder or glob of `data.train` names. */
export function testFilesOf(path: string): string[] {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) return isTestFile(basename(path)) ? [path] : [];
    return namesIn(path, () => true);
  }
  const folder = dirname(path);
  if (!existsSync(folder)) return [];
  const glob = new RegExp(`^${basename(path).split("*").map(escaped).join(".*")}$`);
  return namesIn(folder, (name) => glob.test(name));
}

/** A warning for test files in `data.train`, or null. */
export function testFilesWarning(paths: readonly string[]): string | null {
  const files = paths.flatMap(testFilesOf);
  const [first] = files;
  if (first === undefined) return null;
  const others = files.length === 1 ? "" : ` and ${files.length - 1} more`;
  return (
    `Training would include test files: ${first}${others}. ` +
    `Name the training files alone, for example ${join(dirname(first), "train_*.parquet")}, and the test files in data.eval.`
  );
}

function isTestFile(name: string): boolean {
  return TEST_NAME.test(name);
}

function namesIn(folder: string, matches: (name: string) => boolean): string[] {
  return parquetNames(folder)
    .filter((name) => isTestFile(name) && matches(name))
    .map((name) => join(folder, name));
}

/** Parquet files of a folder, without those for people. */
function parquetNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^(?!ledger|_).*\.parquet$/.test(name))
    .sort();
}

function globOr(prefix: string, names: readonly string[], folder: string): string | string[] {
  if (names.every((name) => name.startsWith(prefix))) return join(folder, `${prefix}*.parquet`);
  const files = names.map((name) => join(folder, name));
  return files.length === 1 ? (files[0] as string) : files;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.+?()[\]{}|]/g, "\\$&");
}
