import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The worker's files when this package runs from its TypeScript source, as in the tests of this repository: compiled once into a
 * temporary folder by the esbuild that tsx brings. A worker so starts in 50 ms instead of a second. An installed package has its
 * built files and never comes here.
 */

/** The part of esbuild that is used. */
interface Esbuild {
  buildSync(options: object): unknown;
}

let folder: string | undefined;

/** Where the compiled file of an entry (`verifier-worker`, `builtin-verifiers`) is; compiles on the first call. */
export function builtFromSource(entry: "verifier-worker" | "builtin-verifiers"): string {
  if (folder === undefined) {
    const require = createRequire(import.meta.url);
    const esbuild = createRequire(require.resolve("tsx/package.json"))("esbuild") as Esbuild;
    const target = mkdtempSync(join(tmpdir(), "v-triune-workers-"));
    process.once("exit", () => rmSync(target, { recursive: true, force: true }));
    const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
    esbuild.buildSync({
      entryPoints: {
        "verifier-worker": path("./verifier-worker.ts"),
        "builtin-verifiers": path("../builtin-verifiers.ts"),
      },
      outdir: target,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      conditions: ["@v-triune/source"],
      logLevel: "error",
    });
    folder = target;
  }
  return pathToFileURL(join(folder, `${entry}.mjs`)).href;
}
