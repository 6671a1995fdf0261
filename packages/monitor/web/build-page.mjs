// Bundles the dashboard's script and style.
import { bundlePage } from "../../../tools/bundle-page.mjs";

/** @returns {Promise<{script: string, style: string}>} */
export function buildPage() {
  return bundlePage(new URL(".", import.meta.url), "main.tsx", { jsx: "automatic", jsxImportSource: "preact" });
}
