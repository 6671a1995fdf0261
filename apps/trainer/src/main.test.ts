import { spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const bin = resolve(import.meta.dirname, "../bin/v-triune.mjs");
const run = (...args: string[]) => spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", timeout: 60_000 });

it("shows its help quickly", () => {
  const { status, stdout, stderr } = run("--help");
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toContain("Usage: v-triune COMMAND");
});

it("exits with 2 and one clear message for what a person did wrong", () => {
  const { status, stdout, stderr } = run("train", "/nowhere.yaml");
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr.trim().split("\n")[0]).toBe("The configuration file does not exist.");
  expect(stderr).not.toMatch(/\n\s+at /);
});

it("is not disturbed by a reader that leaves early", async () => {
  const child = spawn(process.execPath, [bin, "sources", "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  await new Promise((done) => child.on("close", done));
  expect(errors).toBe("");
});
