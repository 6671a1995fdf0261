/** What all demonstrations have in common: where their output goes, and what they say about this machine. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { nativeInstallAvailable } from "@v-triune/backend";
import { RunFolderError } from "@v-triune/training/run-folder";

/** Which backend computes, and how to be faster where that is one command away. */
export function backendLines(backend: string, trainable: number): string {
  const lines = [
    `Backend: ${backend}`,
    `Weights: ${trainable.toLocaleString("en-US")} are trained (the language model; vision is frozen)`,
  ];
  if (backend.startsWith("WebAssembly") && nativeInstallAvailable().available)
    lines.push("Larger models train faster with: npx v-triune native install");
  return `${lines.join("\n")}\n`;
}

/**
 * @param out an empty folder, or one that does not exist. Default: `runs/NAME`, `runs/NAME-2`, ..
 * @throws RunFolderError when it holds something already
 */
export async function outputFolder(out: string | undefined, name: string): Promise<string> {
  if (out === undefined) {
    for (let number = 1; ; number++) {
      const folder = resolve("runs", number === 1 ? name : `${name}-${number}`);
      if (!existsSync(folder)) return folder;
    }
  }
  const folder = resolve(out);
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new RunFolderError({
      what: "The output folder can't be used.",
      where: folder,
      expected: "a folder",
      found: error.code ?? error.message,
      fix: "choose another one with --out",
      cause: error,
    });
  });
  if (found.length > 0) {
    throw new RunFolderError({
      what: "The output folder is not empty; what it holds stays as it is.",
      where: folder,
      expected: "a folder that does not exist yet, or an empty one",
      found: found.slice(0, 5).join(", "),
      fix: "choose another one with --out",
    });
  }
  return folder;
}
