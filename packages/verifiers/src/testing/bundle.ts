/**
 * Modules as the package and a user's bundler make them: one file. Benches measure that file, because tsx, which runs
 * the sources, adds a call to every function that is created.
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

/**
 * Bundles a module for browsers.
 *
 * @param options further options of esbuild
 */
export function bundle(file: URL, options: object = {}): ReturnType<typeof esbuild.buildSync> {
  return esbuild.buildSync({
    entryPoints: [fileURLToPath(file)],
    bundle: true,
    write: false,
    platform: "browser",
    format: "esm",
    logLevel: "silent",
    ...options,
  });
}

/** The exports of a module, bundled. */
export async function importBundled<T>(file: URL): Promise<T> {
  return (await import(
    `data:text/javascript;base64,${Buffer.from(bundle(file).outputFiles[0]!.contents).toString("base64")}`
  )) as T;
}
