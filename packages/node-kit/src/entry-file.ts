/**
 * The JavaScript file that a thread or a child process of a package starts with.
 *
 * An installed package has it built. In a clone, which runs from TypeScript, it is compiled on the first call: loaders
 * such as tsx do not reach threads, and a loader in each thread would cost most of a second per start.
 */
export interface EntryFile {
  /** The TypeScript file: `new URL("./compute-thread.ts", import.meta.url)`. Not looked at in an installed package. */
  readonly source: URL;
  /** Where the build puts it. Not called in a clone. */
  readonly built: () => URL;
}

/**
 * ```ts
 * const file = await entryFile({
 *   source: new URL("./compute-thread.ts", import.meta.url),
 *   built: () => pathToFileURL(join(packageRoot, "dist/compute-thread.js")),
 * });
 * new Worker(file, { execArgv: [] });
 * ```
 */
export async function entryFile({ source, built }: EntryFile): Promise<URL> {
  if (!import.meta.url.endsWith(".ts")) return built();
  // Imported by its address, so that no build takes the compiler along.
  const { compileEntry } = (await import(new URL("./compile-entry.mjs", import.meta.url).href)) as {
    compileEntry(source: URL): Promise<URL>;
  };
  return compileEntry(source);
}
