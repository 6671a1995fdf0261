// Bundles the script and style of a page with the esbuild that tsup brings.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const esbuild = createRequire(require.resolve("tsup"))("esbuild");

/**
 * @param {URL} folder where the page's sources are
 * @param {string} entry its first file
 * @param {object} more further settings of esbuild
 * @returns {Promise<{script: string, style: string}>} neither ends the element that it will stand in
 */
export async function bundlePage(folder, entry, more = {}) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: fileURLToPath(folder),
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    outdir: "out",
    format: "iife",
    target: ["es2022"],
    conditions: ["@v-triune/source"],
    charset: "ascii",
    legalComments: "none",
    logLevel: "silent",
    ...more,
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return {
    script: text(".js").replaceAll("</script", "<\\/script"),
    style: text(".css").replaceAll("</style", "<\\/style"),
  };
}
