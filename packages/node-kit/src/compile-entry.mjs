// Compiles an entry of this workspace to one JavaScript file. Plain JavaScript, so that compiled threads can load it
// too.
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const OF_THIS_WORKSPACE = /^(@v-triune\/|v-triune(\/|$))/;
const BARE = /^[^./]/;

/** The workspace's own code goes into the file; libraries stay where they are and are imported from there. */
const librariesStayOutside = {
  name: "libraries-stay-outside",
  setup(building) {
    building.onResolve({ filter: BARE }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === "library" || kind === "entry-point" || OF_THIS_WORKSPACE.test(path)) return undefined;
      if (isBuiltin(path)) return { path, external: true };
      const found = await building.resolve(path, { importer, resolveDir, kind, pluginData: "library" });
      // A library that is not installed is missing when it is imported, as always.
      return { path: found.errors.length > 0 ? path : pathToFileURL(found.path).href, external: true };
    });
  },
};

/** Every file keeps its own `import.meta.url`, by which it finds what lies beside it. */
const filesKeepTheirUrl = {
  name: "files-keep-their-url",
  setup(building) {
    building.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: `const sourceFileUrl = ${JSON.stringify(pathToFileURL(path).href)}; ${await readFile(path, "utf8")}`,
      loader: "ts",
    }));
  },
};

/** @type {Map<string, Promise<URL>>} */
const compiled = new Map();

/**
 * @param {URL} source a TypeScript file
 * @returns {Promise<URL>} the compiled file; compiled once per process, removed when the process ends
 */
export function compileEntry(source) {
  const known = compiled.get(source.href);
  if (known !== undefined) return known;
  const file = compile(source);
  compiled.set(source.href, file);
  return file;
}

async function compile(source) {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-entry-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = fileURLToPath(source);
  const outfile = join(folder, `${basename(path, extname(path))}.mjs`);
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // Only what Node itself goes by: without a list, esbuild would prefer other files of a library than Node does.
    conditions: ["@v-triune/source", "node-addons"],
    mainFields: ["main"],
    define: { "import.meta.url": "sourceFileUrl" },
    plugins: [librariesStayOutside, filesKeepTheirUrl],
    logLevel: "silent",
  });
  return pathToFileURL(outfile);
}
