// npm test: installs what is missing, then type-checks, checks the format, lints and tests, and checks the packages
// that npm would get. Arguments go to vitest and leave the packages out: npm test -- packages/grpo
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureInstalled } from "./ensure-installed.mjs";
import { root } from "./workspace.mjs";

ensureInstalled(root);

const commandPath = (name) => (name === "node" ? process.execPath : join(root, "node_modules", ".bin", name));
const filters = process.argv.slice(2);
const steps = [
  ["type-check", "tsc", ["--noEmit", "-p", "tsconfig.json"]],
  ["type-check of the dashboard's page", "tsc", ["--noEmit", "-p", "packages/monitor/web/tsconfig.json"]],
  ["type-check of the report's page", "tsc", ["--noEmit", "-p", "packages/data-filters/web/tsconfig.json"]],
  ["format (npm run format repairs it)", "oxfmt", ["--check", "."]],
  ["lint", "oxlint", ["--deny-warnings"]],
  ["unused code", "knip", []],
  ["imports", "tsx", ["tools/check-imports.ts"]],
  ["words", "tsx", ["tools/check-words.ts"]],
  ["metadata of the packages (npm run metadata writes it)", "node", ["tools/package-metadata.mjs"]],
  ["test", "vitest", ["run", ...filters]],
];
// Nx keeps what it built, so the second time only what changed is built again.
const packageSteps = [
  ["build", "nx", ["run-many", "-t", "build"]],
  ["check of the packages", "node", ["tools/check-packages.mjs"]],
];

const failed = [];
for (const [title, command, args] of filters.length === 0 ? [...steps, ...packageSteps] : steps) {
  console.log(`\n== ${title}: ${command} ${args.join(" ")}`);
  const start = performance.now();
  const outcome = spawnSync(commandPath(command), args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, NX_TUI: "false" },
    shell: process.platform === "win32",
  });
  console.log(`-- ${((performance.now() - start) / 1000).toFixed(1)} s`);
  if (outcome.status === 0) continue;
  failed.push(title);
  if (title === "build") break;
}
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(", ")}.`);
  process.exit(1);
}
