import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isInstalled } from "./ensure-installed.mjs";
import { root } from "./workspace.mjs";

const folder = mkdtempSync(join(tmpdir(), "v-triune-installed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, packages: Readonly<Record<string, unknown>>) =>
  writeFileSync(join(folder, name), JSON.stringify({ packages }));
const named = {
  "": { version: "1.0.0" },
  "packages/own": { version: "1.0.0" },
  "node_modules/own": { link: true },
  "node_modules/one": { version: "1.2.3" },
  "packages/own/node_modules/one": { version: "2.0.0" },
  "node_modules/for-windows": { version: "1.0.0", optional: true },
};
const { "node_modules/for-windows": _, ...installed } = named;

describe("isInstalled", () => {
  it("holds where these tests run", () => {
    expect(isInstalled(root)).toBe(true);
  });

  it("compares the record of npm with the lockfile, not their times", () => {
    write("package-lock.json", named);
    expect(isInstalled(folder), "nothing installed").toBe(false);
    mkdirSync(join(folder, "node_modules"));
    write("node_modules/.package-lock.json", installed);
    write("package-lock.json", named);
    expect(isInstalled(folder)).toBe(true);
    write("package-lock.json", { ...named, "node_modules/one": { version: "1.2.4" } });
    expect(isInstalled(folder), "another version").toBe(false);
    write("package-lock.json", { ...named, "node_modules/two": { version: "1.0.0" } });
    expect(isInstalled(folder), "a package more").toBe(false);
  });
});
