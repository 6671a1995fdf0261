/** Finding a benchmark's files in a local copy, and saying what was looked for where they are not. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BenchmarkError } from "../benchmark-error";

/** The first of several places in a folder that exists. */
export function firstExisting(folder: string, places: readonly string[]): string | undefined {
  return places.map((place) => join(folder, place)).find((path) => existsSync(path));
}

/** The error for a folder that is not the benchmark's. */
export function wrongLayout(benchmark: string, folder: string, lookedFor: readonly string[]): BenchmarkError {
  let found = "no such folder";
  try {
    const names = readdirSync(folder).sort();
    found = names.length === 0 ? "an empty folder" : names.slice(0, 8).join(", ") + (names.length > 8 ? ", .." : "");
  } catch {
    // Said by `found`.
  }
  return new BenchmarkError({
    what: `The folder is not a copy of ${benchmark} in its published layout.`,
    where: folder,
    expected: lookedFor.join("; or "),
    found,
    fix: "give the folder that holds these files",
  });
}

/** A JSON file. @throws BenchmarkError when it is not one */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new BenchmarkError({
      what: "A file of the benchmark is not valid JSON.",
      where: path,
      found: (cause as Error).message,
      fix: "download it again",
      cause,
    });
  }
}

/** A value of a record, checked. @throws BenchmarkError naming file, record and key */
export function field<T>(
  record: Readonly<Record<string, unknown>>,
  key: string,
  is: (value: unknown) => value is T,
  expected: string,
  where: string,
): T {
  const value = record[key];
  if (is(value)) return value;
  throw new BenchmarkError({
    what: `A record of the benchmark has no usable "${key}".`,
    where,
    expected,
    found: value === undefined ? `keys ${Object.keys(record).join(", ")}` : JSON.stringify(value).slice(0, 80),
    fix: "check that the copy is complete and of the published version",
  });
}

export const isText = (value: unknown): value is string => typeof value === "string";
export const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
export const isList = (value: unknown): value is unknown[] => Array.isArray(value);
export const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(isNumber);
