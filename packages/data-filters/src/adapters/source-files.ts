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
    fix:
      url === undefined
        ? "point path at the folder that holds these files"
        : `download the data set as its owner publishes it: ${url}`,
  });
}

/** Where pictures of one file name are: paths below the folder, or members of archives. */
type Place = string | { readonly archive: string; readonly member: string };

/**
 * Pictures of a source by name, wherever below the folder they are: as files, or as members of a zip archive. Of the pictures with
 * the same file name, the one that shares the longest end of its path with the name is taken, so that `images/a.png`,
 * `train/a.png` and `a.png` find the same file; files go before members.
 */
export class PictureIndex {
  readonly #folder: string;
  #byFileName: Map<string, Place | Place[]> | undefined;

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
    const index = (this.#byFileName ??= this.#build());
    const found = [index.get(fileName(clean)) ?? []].flat();
    let best: Place | undefined;
    for (const place of found)
      if (best === undefined || sharedParts(pathOf(place), clean) > sharedParts(pathOf(best), clean)) best = place;
    if (best === undefined) return { name: clean, file: direct };
    if (typeof best === "string") return { name: clean, file: join(this.#folder, best) };
    return { name: clean, file: best.archive, member: best.member };
  }

  // Data sets of millions of pictures: one entry a picture, and no list where a file name is there once.
  #build(): Map<string, Place | Place[]> {
    const index = new Map<string, Place | Place[]>();
    const add = (name: string, place: Place): void => {
      const there = index.get(name);
      if (there === undefined) index.set(name, place);
      else if (Array.isArray(there)) there.push(place);
      else index.set(name, [there, place]);
    };
    for (const path of filesBelow(this.#folder, /\.(png|jpe?g|webp|gif|bmp|tiff?)$/i)) add(fileName(path), path);
    for (const relative of filesBelow(this.#folder, /\.zip$/i)) {
      const archive = join(this.#folder, relative);
      for (const member of zipMembers(archive)) add(fileName(member), { archive, member });
    }
    return index;
  }
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function pathOf(place: Place): string {
  return typeof place === "string" ? place : place.member;
}

/** How many parts two paths have in common at their ends. */
function sharedParts(a: string, b: string): number {
  const [one, other] = [a.split("/").reverse(), b.split("/").reverse()];
  const differs = one.findIndex((part, i) => part !== other[i]);
  return differs < 0 ? one.length : differs;
}
