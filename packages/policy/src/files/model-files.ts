/**
 * The files of a model by name, wherever they are: in a folder (folder-files.ts) or in memory, as a browser has them.
 * What reads a model reads it through this interface.
 */

/** One open file. */
export interface OpenFile {
  /** Bytes. */
  readonly size: number;
  /**
   * Copies bytes from `position` on into `out`, as many as the file has left.
   * @returns the number of bytes copied; 0 at the end of the file
   */
  read(out: Uint8Array, position: number): number;
  close(): void;
}

/** The files of one model. */
export interface ModelFiles {
  /** What errors call all of them: the folder's path. */
  readonly where: string;
  /** Names, in no order. */
  names(): readonly string[];
  has(name: string): boolean;
  /** What errors call one of them: its path. */
  pathOf(name: string): string;
  /** @throws WeightsError when the file cannot be opened */
  open(name: string): OpenFile;
  /** How a person gets files, as an imperative sentence without its end. Default: all files of the model. */
  howToGet(names?: readonly string[]): string;
  /** How a person gets a file in whose place a Git LFS pointer is. */
  howToGetFromLfs(name: string): string;
}

const POINTER = "version https://git-lfs.github.com/spec/";

/** Whether a file's first characters are those of a Git LFS pointer, which a clone without `git lfs pull` has. */
export function isLfsPointer(start: string): boolean {
  return start.startsWith(POINTER);
}

/** The fields of an error about a file that is a Git LFS pointer. */
export function lfsPointerProblem(
  files: ModelFiles,
  name: string,
): { readonly where: string; readonly found: string; readonly fix: string } {
  return {
    where: files.pathOf(name),
    found: "a Git LFS pointer, not the file itself",
    fix: files.howToGetFromLfs(name),
  };
}

/** All of a file as UTF-8 text. */
export function readText(files: ModelFiles, name: string): string {
  const file = files.open(name);
  try {
    const bytes = new Uint8Array(file.size);
    for (let done = 0; done < bytes.length;) {
      const got = file.read(bytes.subarray(done), done);
      if (got === 0) return decodeText(bytes.subarray(0, done));
      done += got;
    }
    return decodeText(bytes);
  } finally {
    file.close();
  }
}

/** A leading byte order mark stays, as in Node's `readFileSync`. */
function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * Files whose bytes are in memory. They are not copied.
 *
 * ```ts
 * const bytes = new Uint8Array(await (await fetch("model/config.json")).arrayBuffer());
 * filesInMemory(new Map([["config.json", bytes]]), "the model of this page");
 * ```
 *
 * @param where what errors call them
 */
export function filesInMemory(files: ReadonlyMap<string, Uint8Array>, where = "the model's files"): ModelFiles {
  return {
    where,
    names: () => [...files.keys()],
    has: (name) => files.has(name),
    pathOf: (name) => `${where}, ${name}`,
    open: (name) => {
      const bytes = files.get(name);
      if (!bytes) throw new RangeError(`filesInMemory: there is no file ${name}`);
      return {
        size: bytes.length,
        read: (out, position) => {
          const part = bytes.subarray(position, position + out.length);
          out.set(part);
          return part.length;
        },
        close: () => undefined,
      };
    },
    howToGet: (names = []) => `give ${names.length === 0 ? "all files of the model" : names.join(", ")}`,
    howToGetFromLfs: (name) => `give the bytes of ${name} itself`,
  };
}
