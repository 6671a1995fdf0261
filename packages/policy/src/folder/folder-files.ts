/** The files of a model folder on this machine's disk, read by position: a large file is never in memory as a whole. */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ModelFiles, OpenFile } from "../files/model-files";
import { WeightsError } from "../input-error";
import { downloadCommand, quoted } from "./download-command";

/** The files of `folder`, which need not exist. */
export function folderFiles(folder: string): ModelFiles {
  const pathOf = (name: string): string => join(folder, name);
  return {
    where: folder,
    names: () => readdirSync(folder),
    has: (name) => existsSync(pathOf(name)),
    pathOf,
    open: (name) => openFile(pathOf(name)),
    howToGet: (names = []) => downloadCommand(folder, names),
    howToGetFromLfs: (name) => {
      const place = dirname(pathOf(name));
      return `run \`git lfs pull\` in ${quoted(place)}, or \`${downloadCommand(place)}\``;
    },
  };
}

/** @throws WeightsError when the file cannot be opened or is a folder */
export function openFile(path: string): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (cause) {
    throw new WeightsError({
      what: "A file of the model cannot be opened.",
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "check the path and its permissions",
      cause,
    });
  }
  const status = fstatSync(descriptor);
  if (!status.isFile()) {
    closeSync(descriptor);
    throw new WeightsError({ what: "The path of a model's file is not a file.", where: path });
  }
  return {
    size: status.size,
    // One read call moves at most 2 GiB on Linux; 1 GiB pieces stay below that everywhere.
    read: (out, position) => readSync(descriptor, out, 0, Math.min(out.length, 1 << 30), position),
    close: () => closeSync(descriptor),
  };
}
