/** Reading the files of a reference folder: finding them, and errors about broken ones. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ParityError } from "../input-error";

/** The folder of a path that may be one of its files. */
export function folderOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  return statSync(path).isDirectory() ? path : dirname(path);
}

/** A JSON object of a reference folder; undefined when it is absent or something else. For recognizing. */
export function peekJson(file: string): Readonly<Record<string, unknown>> | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const json: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A JSON file of a reference folder, of the type its layout gives it.
 *
 * @param keys must be there
 * @throws ParityError when it is absent, not JSON, or lacks a key
 */
export function readReference<T>(file: string, keys: readonly (keyof T & string)[]): T {
  const json = peekJson(file);
  const missing = json ? keys.filter((key) => json[key] === undefined) : [];
  if (json && missing.length === 0) return json as T;
  throw new ParityError({
    what: "A file of reference values cannot be used.",
    where: file,
    expected: `a JSON object with ${keys.join(", ")}`,
    found: !existsSync(file) ? "no such file" : json ? `no ${missing.join(", ")}` : "something else",
    fix: "make it again with the generate.py of its layout",
  });
}

/**
 * Where a picture of a reference folder lies: paths count from the folder itself, or from one of the folders above it
 * (the shared root), or from a `shared` folder beside one of those.
 */
export function findPicture(
  folder: string,
  path: string,
  start: readonly string[] = [folder, process.cwd()],
): string | undefined {
  const own = join(folder, path);
  if (existsSync(own)) return own;
  for (const from of start) {
    for (let above = from; ; above = dirname(above)) {
      for (const candidate of [join(above, path), join(above, "shared", path)])
        if (existsSync(candidate)) return candidate;
      if (above === dirname(above)) break;
    }
  }
  return undefined;
}
