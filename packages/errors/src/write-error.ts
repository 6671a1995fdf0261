import { VTriuneError } from "./v-triune-error";

/** A file that cannot be written: no space, no permission. */
export class WriteError extends VTriuneError {
  override readonly name = "WriteError";
}

/** What Node's errors carry; this package has no dependency, on Node's types included. */
interface SystemError {
  readonly code?: string;
  readonly syscall?: string;
}

const REASONS: Readonly<Record<string, readonly [found: string, fix: string]>> = {
  ENOSPC: ["the disk is full", "free some space, or choose a folder on another disk"],
  EDQUOT: ["the disk quota is used up", "free some space, or choose a folder on another disk"],
  EACCES: ["no permission to write there", "change the folder's permissions, or choose another one"],
  EPERM: ["no permission to write there", "change the folder's permissions, or choose another one"],
  EROFS: ["the file system is read-only", "choose a folder that can be written to"],
  ENOTDIR: ["a part of the path is a file", "choose another folder"],
  EFBIG: ["the file grew past the size that the system allows", "raise the limit (ulimit -f), or choose another disk"],
};

/**
 * What Node reports for a folder made with its parents on a read-only file system; the parents' absence cannot be
 * meant.
 */
const isReadOnlyFolder = ({ code, syscall }: SystemError): boolean => code === "ENOENT" && syscall === "mkdir";

/**
 * The error to show for a failed write.
 *
 * @param path the file or folder; empty if it is not known
 * @returns a WriteError for what a person can fix, the error itself otherwise
 */
export function asWriteError(error: unknown, path: string): unknown {
  const failure = error as SystemError | null;
  const code = failure !== null && isReadOnlyFolder(failure) ? "EROFS" : failure?.code;
  const reason = code === undefined ? undefined : REASONS[code];
  if (reason === undefined || error instanceof WriteError) return error;
  return new WriteError({
    what: "A file can't be written. What was saved before is untouched.",
    where: path === "" ? undefined : path,
    found: `${reason[0]} (${code})`,
    fix: reason[1],
    cause: error,
  });
}
