/** A picture of a sample, as the data set stores it: its bytes, or the path of its file. */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pictureType } from "./picture-type";

const LARGEST_PICTURE = 32 << 20;

/** An encoded picture, of a type that cannot hold a script. */
export interface Picture {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/**
 * @param image an element of a sample's `images` column
 * @param folder of the data set's file; paths are relative to it
 * @returns undefined if the picture is missing, too large, or of another type
 */
export async function samplePicture(image: unknown, folder: string): Promise<Picture | undefined> {
  const { bytes, path } = (image ?? {}) as { bytes?: unknown; path?: unknown };
  let found: Uint8Array | undefined;
  if (bytes instanceof Uint8Array) found = bytes;
  else if (bytes !== null && typeof bytes === "object" && (bytes as { bytes?: unknown }).bytes instanceof Uint8Array)
    found = (bytes as { bytes: Uint8Array }).bytes;
  else if (typeof path === "string" && path !== "" && !path.includes("://")) {
    const file = resolve(folder, path);
    const info = await stat(file).catch(() => undefined);
    if (info?.isFile() && info.size <= LARGEST_PICTURE) found = await readFile(file).catch(() => undefined);
  }
  const type = found && pictureType(found);
  return found === undefined || type === undefined || found.length > LARGEST_PICTURE
    ? undefined
    : { type, bytes: found };
}
