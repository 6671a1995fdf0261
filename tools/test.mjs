// npm test: installs what is missing, then type-checks, checks the format, lints and tests, and checks the packages
// that npm would get. Arguments go to vitest and leave the packages out: npm test -- packages/grpo
import { spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ensureInstalled } from "./ensure-installed.mjs";
import { root } from "./workspace.mjs";

ensureInstalled(root);

const commandPath = (name) => (name === "node" ? process.execPath : join(root, "node_modules", ".bin", name));
const filters = process.argv.slice(2);
const checks = [
  ["type-check", "tsc", ["--noEmit", "-p", "tsconfig.json"]],
  ["type-check of the dashboard's page", "tsc", ["--noEmit", "-p", "packages/monitor/web/tsconfig.json"]],
  ["type-check of the report's page", "tsc", ["--noEmit", "-p", "packages/data-filters/web/tsconfig.json"]],
  ["format (npm run format repairs it)", "oxfmt", ["--check", "."]],
  ["lint", "oxlint", ["--deny-warnings"]],
  ["unused code", "knip", []],
  ["imports", "tsx", ["tools/check-imports.ts"]],
  ["words", "tsx", ["tools/check-words.ts"]],
  ["metadata of the packages (npm run metadata writes it)", "node", ["tools/package-metadata.mjs"]],
];
const tests = ["test", "vitest", ["run", ...filters]];
// Nx keeps what it built, so the second time only what changed is built again.
const build = ["build", "nx", ["run-many", "-t", "build"]];
const packages = ["check of the packages", "node", ["tools/check-packages.mjs"]];

const options = { cwd: root, env: { ...process.env, NX_TUI: "false" }, shell: process.platform === "win32" };
const failed = [];
const heading = ([title, command, args]) => console.log(`\n== ${title}: ${command} ${args.join(" ")}`);
const ended = ([title], start, succeeded) => {
  console.log(`-- ${((performance.now() - start) / 1000).toFixed(1)} s`);
  if (!succeeded) failed.push(title);
};

/** Runs a step and shows what it prints when it has ended, so that steps at the same time don't mix their lines. */
async function runQuietly(step) {
  const start = performance.now();
  const child = spawn(commandPath(step[1]), step[2], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => printed.push(piece));
  const status = await new Promise((settle) => {
    child.on("error", (error) => {
      printed.push(Buffer.from(`${error}\n`));
      settle(null);
    });
    child.on("close", settle);
  });
  heading(step);
  process.stdout.write(Buffer.concat(printed));
  ended(step, start, status === 0);
}

/** Runs a step with the terminal as it is. */
function run(step) {
  heading(step);
  const start = performance.now();
  ended(step, start, spawnSync(commandPath(step[1]), step[2], { ...options, stdio: "inherit" }).status === 0);
}

const waiting = [...checks];
const lane = async () => {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await runQuietly(step);
};
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
run(tests);
if (filters.length === 0) {
  run(build);
  if (!failed.includes(build[0])) run(packages);
}
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(", ")}.`);
  process.exit(1);
}
