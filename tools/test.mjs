// npm test: installs what is missing, then type-checks, checks the format, lints and tests. Arguments go to vitest: npm test -- packages/grpo
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./ensure-installed.mjs";

const bin = (name) => join(root, "node_modules", ".bin", name);
const filters = process.argv.slice(2);
const steps = [
  ["type-check", "tsc", ["--noEmit", "-p", "tsconfig.json"]],
  ["type-check of the dashboard's page", "tsc", ["--noEmit", "-p", "packages/monitor/web/tsconfig.json"]],
  ["format (npm run format repairs it)", "oxfmt", ["--check", "."]],
  ["lint", "oxlint", ["--deny-warnings"]],
  ["unused code", "knip", []],
  ["imports", "tsx", ["tools/check-imports.ts"]],
  ["test", "vitest", ["run", ...filters]],
];
const failed = [];
for (const [title, command, args] of steps) {
  console.log(`\n== ${title}: ${command} ${args.join(" ")}`);
  const outcome = spawnSync(bin(command), args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  if (outcome.status !== 0) failed.push(title);
}
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(", ")}.`);
  process.exit(1);
}
