/** How a person fetches files of a model folder that are missing. */
import { basename, resolve } from "node:path";

/**
 * The command that fetches a model into a folder. Its owner is known for a folder that is named as a published model.
 *
 * ```ts
 * downloadCommand("./Qwen3-VL-4B-Instruct") // "hf download Qwen/Qwen3-VL-4B-Instruct --local-dir ./Qwen3-VL-4B-Instruct"
 * ```
 *
 * @param files only these. Default: all.
 */
export function downloadCommand(folder: string, files: readonly string[] = []): string {
  const name = basename(resolve(folder));
  const owner = /^Qwen\d/.test(name) ? "Qwen" : "OWNER";
  return ["hf download", `${owner}/${name}`, ...files, "--local-dir", quoted(folder)].join(" ");
}

/** A path as an argument of a shell. */
export function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
