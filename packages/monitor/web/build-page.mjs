// Bundles the dashboard's script, a module, and its style.
import { bundlePage } from "../../../tools/bundle-page.mjs";

/** @returns {Promise<{script: string, style: string}>} */
export function buildPage() {
  return bundlePage(new URL(".", import.meta.url), "main.tsx", {
    jsx: "automatic",
    jsxImportSource: "preact",
    // Browsers read the body of a function that wraps it all twice.
    format: "esm",
  });
}
