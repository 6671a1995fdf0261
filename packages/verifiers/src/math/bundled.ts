/**
 * Modules of this folder as the package and a user's bundler make them: one file. Benches measure that, as tsx, which runs the sources,
 * keeps the name of every function by a call whenever one is made.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** The esbuild that tsup, which builds the package, brings. */
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsup"))("esbuild") as {
  buildSync(options: object): {
    readonly outputFiles: readonly { readonly text: string; readonly contents: Uint8Array }[];
    readonly warnings: readonly unknown[];
  };
};

/** @param options of esbuild, beside those of a browser's bundle */
export function bundle(file: string, options: object = {}): ReturnType<typeof esbuild.buildSync> {
  return esbuild.buildSync({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    platform: "browser",
    format: "esm",
    logLevel: "silent",
    ...options,
  });
}

/** What a bundled file exports. */
export async function importBundled<T>(file: string): Promise<T> {
  return (await import(
    `data:text/javascript;base64,${Buffer.from(bundle(file).outputFiles[0]!.contents).toString("base64")}`
  )) as T;
}
