/** Finds an owner's files in a folder, and says what was looked for if they are missing. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DatasetError } from "@v-triune/schema";
import type { PictureReference } from "../pictures/picture-reference";
import { zipMembers } from "../pictures/zip-archive";

/**
 * Whether a folder is the result of a curation, or becomes one. People write corpora beside the files that they are
 * made from.
 */
function isCorpus(folder: string): boolean {
  const holds = (name: string): boolean => existsSync(join(folder, name));
  return (holds("ledger.parquet") && holds("report.json")) || (folder.endsWith(".partial") && holds("lock.json"));
}

/**
 * Paths below a folder that match, relative to it, with `/` between parts, sorted. Corpora below it are skipped.
 *
 * @param matches tests the relative path
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

/** The error for a folder without the expected owner's files. */
export function wrongLayout(folder: string, lookedFor: string, url?: string): DatasetError {
  if (existsSync(folder) && !statSync(folder).isDirectory())
    return new DatasetError({
      code: "wrong-layout",
      file: folder,
      expected: `a folder with ${lookedFor}`,
      found: "a file",
      fix: "set path to the folder that holds it",
    });
  const names = existsSync(folder) ? readdirSync(folder).slice(0, 6) : null;
  return new DatasetError({
    code: names === null ? "missing-file" : "wrong-layout",
    file: folder,
    expected: lookedFor,
    found: names === null ? "no such folder" : names.length === 0 ? "an empty folder" : names.join(", "),
    fix:
      url === undefined
        ? "set path to the folder that holds these files"
        : `download the data set as its owner publishes it: ${url}`,
  });
}

/** Where a picture is: a path below the folder, or a member of an archive. */
type Place = string | { readonly archive: string; readonly member: string };

/**
 * Finds pictures of a source by name anywhere below the folder, as files or as members of a zip archive. Among pictures
 * with the same file name, the one whose path shares the longest end with the name wins, so that `images/a.png`,
 * `train/a.png` and `a.png` find the same file. Files win over members.
 */
export class PictureIndex {
  readonly #folder: string;
  #byFileName: Map<string, Place | Place[]> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The reference of a picture, by its path (relative to the folder or absolute) or its `file:` URL. A missing picture
   * also gets one, to the path where it was looked for, so that a rule drops the row with that reason.
   */
  find(name: string): PictureReference {
    const clean = pathOfUrl(name)
      .replace(/\\/g, "/")
      .replace(/^(\.\/)+/, "");
    const direct = join(this.#folder, clean);
    for (const file of isAbsolute(clean) ? [clean, direct] : [direct]) if (isFile(file)) return { name: clean, file };
    return this.#lookUp(clean) ?? this.#decoded(clean) ?? { name: clean, file: direct };
  }

  /** The picture of a name in which a space is `%20`. */
  #decoded(name: string): PictureReference | undefined {
    if (!/%[0-9a-f]{2}/i.test(name)) return undefined;
    const decoded = name.replace(/(%[0-9a-f]{2})+/gi, (bytes) =>
      Buffer.from(bytes.replaceAll("%", ""), "hex").toString(),
    );
    const direct = join(this.#folder, decoded);
    return isFile(direct) ? { name: decoded, file: direct } : this.#lookUp(decoded);
  }

  #lookUp(clean: string): PictureReference | undefined {
    const index = (this.#byFileName ??= this.#build());
    const found = [index.get(fileName(clean)) ?? []].flat();
    let best: Place | undefined;
    for (const place of found)
      if (best === undefined || sharedParts(pathOf(place), clean) > sharedParts(pathOf(best), clean)) best = place;
    if (best === undefined) return undefined;
    if (typeof best === "string") return { name: clean, file: join(this.#folder, best) };
    return { name: clean, file: best.archive, member: best.member };
  }

  // For data sets of millions of pictures: one entry per picture, and a list only for file names that occur twice.
  #build(): Map<string, Place | Place[]> {
    const index = new Map<string, Place | Place[]>();
    const add = (name: string, place: Place): void => {
      const known = index.get(name);
      if (known === undefined) index.set(name, place);
      else if (Array.isArray(known)) known.push(place);
      else index.set(name, [known, place]);
    };
    for (const path of filesBelow(this.#folder, /\.(png|jpe?g|webp|gif|bmp|tiff?)$/i)) add(fileName(path), path);
    for (const relative of filesBelow(this.#folder, /\.zip$/i)) {
      const archive = join(this.#folder, relative);
      for (const member of zipMembers(archive)) add(fileName(member), { archive, member });
    }
    return index;
  }
}

/** The path of a `file:` URL; any other text as it is. */
function pathOfUrl(name: string): string {
  if (!/^file:/i.test(name)) return name;
  try {
    return fileURLToPath(name);
  } catch {
    // file://folder/a.png, with a relative path in the place of a host.
    return name.replace(/^file:\/*/i, "");
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function pathOf(place: Place): string {
  return typeof place === "string" ? place : place.member;
}

/** The number of parts that two paths share at their ends. */
function sharedParts(a: string, b: string): number {
  const [one, other] = [a.split("/").reverse(), b.split("/").reverse()];
  const differs = one.findIndex((part, i) => part !== other[i]);
  return differs < 0 ? one.length : differs;
}
