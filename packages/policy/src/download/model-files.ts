/**
 * What to do about files of a model folder that are missing, or that are Git LFS pointers: a clone without `git lfs pull`
 * has small text files in the place of weights, and of tokenizer.json.
 */
import { basename, dirname, resolve } from "node:path";

const POINTER = "version https://git-lfs.github.com/spec/";

/** Whether a file's first characters are those of a Git LFS pointer. */
export function isLfsPointer(start: string): boolean {
  return start.startsWith(POINTER);
}

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

/** The fields of an error about a file that is a Git LFS pointer. */
export function lfsPointerProblem(file: string): { readonly found: string; readonly fix: string } {
  const folder = dirname(file);
  return {
    found: "a Git LFS pointer, not the file itself",
    fix: `run \`git lfs pull\` in ${quoted(folder)}, or \`${downloadCommand(folder)}\``,
  };
}

function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
