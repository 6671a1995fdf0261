// Bundles the dashboard's scripts and its style.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundlePage } from "../../../tools/bundle-page.mjs";

const here = new URL(".", import.meta.url);

/** Gives uPlot the formats of chart/formats-when-used.ts in place of the browser's. */
const plotFormats = {
  name: "plot-formats",
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => ({
      contents: `import { Intl } from "./formats-when-used";\n${await readFile(path, "utf8")}`,
      resolveDir: fileURLToPath(new URL("chart", here)),
    }));
  },
};

/**
 * @returns {Promise<{first: string, script: string, style: string}>} the head's script, the page's, a module, its style
 */
export async function buildPage() {
  const [first, page] = await Promise.all([
    bundlePage(here, "ask-first.ts"),
    bundlePage(here, "main.tsx", {
      jsx: "automatic",
      jsxImportSource: "preact",
      // Browsers read the body of a function that wraps it all twice.
      format: "esm",
      plugins: [plotFormats],
    }),
  ]);
  return { first: first.script, ...page };
}
