/** Whether a file is still what it was: by its path, its size and its time of change. */
import { realpathSync, statSync } from "node:fs";
import { DatasetError } from "@v-triune/schema";

/** A file's path, size and time of change as text. */
export function fileState(file: string): string {
  const { size, mtimeNs } = statSync(file, { bigint: true });
  return JSON.stringify([realpathSync(file), `${size}`, `${mtimeNs}`]);
}

/**
 * For readers, at the end of a file and when reading it fails: rows of two versions of it may be mixed, and what fails then is no
 * fault of either version.
 *
 * @param before its `fileState` when reading began
 * @param cause what failed
 * @throws DatasetError `unreadable` if it was changed, replaced or removed since then
 */
export function assertUnchanged(file: string, before: string, cause?: unknown): void {
  let found = "it was changed or replaced";
  try {
    if (fileState(file) === before) return;
  } catch {
    found = "it was removed";
  }
  throw new DatasetError({
    code: "unreadable",
    file,
    expected: "a file that stays as it is while it is read",
    found,
    fix: "start again when no other program writes it",
    cause,
  });
}
