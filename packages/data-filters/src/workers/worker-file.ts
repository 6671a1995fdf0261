/**
 * The worker's file: the built entry of an installed package, or, where the package runs from its TypeScript source, one compiled
 * once into a temporary folder by the esbuild that tsx brings.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

let compiled: URL | undefined;

/** Where a worker thread starts. */
export function workerFile(): URL {
  const require = createRequire(import.meta.url);
  if (!import.meta.url.endsWith(".ts")) return pathToFileURL(require.resolve("@v-triune/data-filters/text-worker"));
  if (compiled !== undefined) return compiled;
  const esbuild = createRequire(require.resolve("tsx/package.json"))("esbuild") as {
    buildSync(options: object): unknown;
  };
  const folder = mkdtempSync(join(tmpdir(), "v-triune-text-worker-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "text-worker.mjs");
  esbuild.buildSync({
    entryPoints: [fileURLToPath(new URL("./text-worker.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    conditions: ["@v-triune/source"],
    logLevel: "error",
  });
  compiled = pathToFileURL(outfile);
  return compiled;
}
