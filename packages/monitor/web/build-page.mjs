// Bundles the page's script and style with the esbuild that tsup brings.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const esbuild = createRequire(require.resolve("tsup"))("esbuild");

/** @returns {Promise<{script: string, style: string}>} */
export async function buildPage() {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
    entryPoints: ["main.tsx"],
    bundle: true,
    minify: true,
    write: false,
    outdir: "out",
    format: "iife",
    target: ["es2022"],
    jsx: "automatic",
    jsxImportSource: "preact",
    conditions: ["@v-triune/source"],
    charset: "ascii",
    legalComments: "none",
    logLevel: "silent",
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  // Neither may end the element that it will stand in.
  return {
    script: text(".js").replaceAll("</script", "<\\/script"),
    style: text(".css").replaceAll("</style", "<\\/style"),
  };
}
