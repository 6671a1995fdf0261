import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const web = resolve(import.meta.dirname, "web");

/** The service worker with a list of what the build made; its name for the cache changes when a file does. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const version = createHash("sha256")
        .update(JSON.stringify(Object.keys(bundle).sort()))
        .digest("hex")
        .slice(0, 12);
      const source = readFileSync(resolve(web, "service-worker.js"), "utf8").replace("VERSION", version);
      this.emitFile({ type: "asset", fileName: "service-worker.js", source });
    },
  };
}

export default defineConfig({
  root: web,
  // Relative addresses: the site may lie below any path.
  base: "./",
  plugins: [serviceWorker()],
  resolve: { conditions: ["@v-triune/source-browser", "@v-triune/source", "module", "browser", "default"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es" },
  build: {
    outDir: resolve(import.meta.dirname, "dist"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // The model and the backend stay files, which load only when a person starts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: {
        learn: resolve(web, "index.html"),
        judge: resolve(web, "judge.html"),
        explore: resolve(web, "explore.html"),
      },
    },
  },
});
