/**
 * Files and folders of a run, written in full or not at all (@v-triune/node-kit); what fails is told as a WriteError.
 */
import { WriteError, asWriteError } from "@v-triune/errors";
import { writeFileAtomic as writeFile, writeFolderAtomic as writeFolder } from "@v-triune/node-kit/atomic-write";

/**
 * Writes a file in one step.
 *
 * @param data the contents, or their parts in order
 * @throws WriteError when the disk is full or the place cannot be written to; a file that was there before is then
 *   unchanged
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    await writeFile(path, data);
  } catch (error) {
    throw asWriteError(error, path);
  }
}

/**
 * Makes a folder in one step: `fill` writes into a temporary folder beside it.
 *
 * @throws WriteError as `writeFileAtomic`, and when the folder exists already; whatever `fill` throws. Nothing is left
 *   behind then.
 */
export async function writeFolderAtomic(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  try {
    await writeFolder(path, fill);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException | null)?.code;
    if (code === "ENOTEMPTY" || code === "EEXIST") {
      throw new WriteError({
        what: "A folder can't be written: it exists already.",
        where: path,
        fix: "remove it, or choose another one",
        cause: error,
      });
    }
    throw asWriteError(error, path);
  }
}
