/**
 * Checks every import of the packages and apps: it keeps to the layers, no files and no folders import each other in a
 * circle, and what only tests use lies in a folder for it.
 * Run by `npm run lint`; alone: npx tsx tools/check-imports.ts
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkImports } from "./imports/check-imports";
import { LAYERS } from "./imports/layers";
import { readWorkspace } from "./imports/read-imports";

/** Packages that are still being put in order. Remove what you finish. */
const UNFINISHED: readonly string[] = [];

const workspace = readWorkspace(resolve(dirname(fileURLToPath(import.meta.url)), ".."));
const problems = checkImports(workspace, LAYERS, UNFINISHED);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`\nFound ${problems.length === 1 ? "1 problem" : `${problems.length} problems`} with imports.`);
  process.exit(1);
}
console.log(`Checked ${workspace.imports.length} imports of ${workspace.files.size} files: no problems.`);
