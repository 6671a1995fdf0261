/** Finding an owner's files in a folder, and saying what was looked for when they are not there. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import type { PictureReference } from "../pictures/picture-reference";
import { zipMembers } from "../pictures/zip-archive";

/** Whether a folder is a curation's result or one in the making: people write corpora beside the files they are made of. */
function isCorpus(folder: string): boolean {
  const holds = (name: string): boolean => existsSync(join(folder, name));
  return (holds("ledger.parquet") && holds("report.json")) || (folder.endsWith(".partial") && holds("lock.json"));
}

/**
 * Paths below a folder that match, relative to it, `/` between parts, sorted. Corpora below it are passed over.
 *
 * @param matches tested on the relative path
 */
export function filesBelow(folder: string, matches: RegExp): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  const found: string[] = [];
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = relative === "" ? entry.name : `${relative}/${entry.name}`;
      const directory = entry.isDirectory() || (entry.isSymbolicLink() && statSync(join(folder, path)).isDirectory());
      if (directory) {
        if (!isCorpus(join(folder, path))) walk(path);
      } else if (matches.test(path)) found.push(path);
    }
  };
  walk("");
  return found.sort();
}

/** The error for a folder that is not of the expected owner. */
export function wrongLayout(folder: string, lookedFor: string, url?: string): DatasetError {
  const there = existsSync(folder) ? readdirSync(folder).slice(0, 6) : null;
  return new DatasetError({
    code: there === null ? "missing-file" : "wrong-layout",
    file: folder,
    expected: lookedFor,
    found: there === null ? "no such folder" : there.length === 0 ? "an empty folder" : there.join(", "),
    fix: url === undefined ? "point path at the folder that holds these files" : `download the data set as its owner publishes it: ${url}`,
  });
}

/**
 * Pictures of a source by name, wherever below the folder they are: as files, or as members of a zip archive. A name is
 * looked up by its whole relative path first and then by its ever shorter ends, so that `images/a.png`, `train/a.png` and
 * `a.png` find the same file.
 */
export class PictureIndex {
  readonly #folder: string;
  #byTail: Map<string, PictureReference> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The reference of a picture. One that is not there gets a reference all the same, to the path where it was looked for:
   * the row is then dropped with that reason.
   */
  find(name: string): PictureReference {
    const clean = name.replace(/\\/g, "/").replace(/^(\.\/)+/, "");
    const direct = join(this.#folder, clean);
    if (existsSync(direct) && !statSync(direct).isDirectory()) return { name: clean, file: direct };
    const index = (this.#byTail ??= this.#build());
    const parts = clean.split("/");
    for (let i = 0; i < parts.length; i++) {
      const found = index.get(parts.slice(i).join("/"));
      if (found !== undefined) return { ...found, name: clean };
    }
    return { name: clean, file: direct };
  }

  #build(): Map<string, PictureReference> {
    const index = new Map<string, PictureReference>();
    const add = (path: string, reference: PictureReference): void => {
      const parts = path.split("/");
      for (let i = parts.length - 1; i >= 0; i--) {
        const tail = parts.slice(i).join("/");
        if (!index.has(tail)) index.set(tail, reference);
      }
    };
    for (const path of filesBelow(this.#folder, /\.(png|jpe?g|webp|gif|bmp|tiff?)$/i)) {
      add(path, { name: path, file: join(this.#folder, path) });
    }
    for (const archive of filesBelow(this.#folder, /\.zip$/i)) {
      const file = join(this.#folder, archive);
      for (const member of zipMembers(file)) add(member, { name: member, file, member });
    }
    return index;
  }
}
