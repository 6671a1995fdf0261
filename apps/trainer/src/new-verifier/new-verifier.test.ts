import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { afterAll, expect, it } from "vitest";
import { runCommand } from "../testing/run-command";

const folder = mkdtempSync(join(tmpdir(), "v-triune-new-verifier-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Runs the folder's test against this workspace's sources. */
function runTest(name: string) {
  return spawnSync(
    process.execPath,
    ["--conditions=@v-triune/source", "--import", tsx, join(folder, name, `${name}.test.mjs`)],
    { encoding: "utf8" },
  );
}

it("makes a verifier whose test passes at once, and fails when the rule is wrong", async () => {
  const made = await runCommand("new-verifier", "chart-value", "-o", join(folder, "chart-value"));
  expect(made.err).toBe("");
  expect(made.code).toBe(0);
  expect(made.out).toContain("&& npm install && npm test");
  const names = ["chart-value.mjs", "chart-value.test.mjs", "golden.json", "package.json"];
  expect(readdirSync(join(folder, "chart-value")).sort()).toEqual(names);
  for (const file of names) expect(readFileSync(join(folder, "chart-value", file), "utf8")).not.toContain("__");

  mkdirSync(join(folder, "node_modules/@v-triune"), { recursive: true });
  symlinkSync(resolve("packages/verifiers"), join(folder, "node_modules/@v-triune/verifiers"));
  const passed = runTest("chart-value");
  expect(passed.stdout).toContain("# pass 7");
  expect(passed.status).toBe(0);

  const file = join(folder, "chart-value/chart-value.mjs");
  writeFileSync(file, readFileSync(file, "utf8").replace("return answer.toLowerCase() ===", "return answer !=="));
  const failed = runTest("chart-value");
  expect(failed.status).toBe(1);
  expect(failed.stdout).toContain("keeps the contract of verifiers");

  // Where the package is found already, nothing needs to be installed.
  const second = await runCommand("new-verifier", "table-cell", "-o", join(folder, "table-cell"));
  expect(second.out).not.toContain("npm install");
}, 30_000);

it("refuses names that cannot be used and folders that exist, and writes nothing", async () => {
  const here = join(folder, "refused");
  for (const name of ["Chart", "chart_value", "../x", "-x", "a".repeat(41)])
    expect((await runCommand("new-verifier", "-o", here, "--", name)).err).toContain("name cannot be used");
  expect((await runCommand("new-verifier", "mathverify", "-o", here)).err).toMatch(/built-in verifier "mathverify"/);
  expect(existsSync(here)).toBe(false);
  mkdirSync(here);
  writeFileSync(join(here, "mine.txt"), "mine");
  const { code, err } = await runCommand("new-verifier", "chart-value", "-o", here);
  expect(code).toBe(2);
  expect(err).toContain("exists already");
  expect(readdirSync(here)).toEqual(["mine.txt"]);
});
