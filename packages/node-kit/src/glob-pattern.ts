import { existsSync, statSync } from "node:fs";
import { exactPath } from "./exact-path";

/**
 * What a person wrote for files, as the pattern that DuckDB's readers take for it. A path that exists stands for
 * itself, a folder for its Parquet files at any depth. Of a glob, the folders at its beginning that exist are names,
 * even if they have signs of a glob.
 *
 * ```ts
 * globPattern("runs/a[1]/step-*.parquet") // "runs/a[[]1]/step-*.parquet" if the folder exists
 * ```
 */
export function globPattern(path: string): string {
  if (existsSync(path))
    return statSync(path).isDirectory() ? `${exactPath(path.replace(/\/+$/, ""))}/**/*.parquet` : exactPath(path);
  const parts = path.split("/");
  let named = parts.length - 1;
  while (named > 0 && !existsSync(parts.slice(0, named).join("/") || "/")) named--;
  const folder = named === 0 ? [] : [exactPath(parts.slice(0, named).join("/"))];
  return [...folder, ...parts.slice(named)].join("/");
}
