/** Detects that a file was changed or replaced, by its path, its size and its time of change. */
import { realpathSync, statSync } from "node:fs";
import { DatasetError } from "@v-triune/schema";

/** A file's path, size and time of change as text. */
export function fileState(file: string): string {
  const { size, mtimeNs } = statSync(file, { bigint: true });
  return JSON.stringify([realpathSync(file), `${size}`, `${mtimeNs}`]);
}

/**
 * Readers call this at the end of a file, and when reading it fails. If the file was changed, rows of two versions may
 * be mixed, and a failure is not the fault of either version.
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
    fix: "start again when no other program writes the file",
    cause,
  });
}
