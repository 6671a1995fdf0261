// Bundles the script and style of a report's page.
import { bundlePage } from "../../../tools/bundle-page.mjs";

/** @returns {Promise<{script: string, style: string}>} */
export function buildPage() {
  return bundlePage(new URL(".", import.meta.url), "main.ts");
}
