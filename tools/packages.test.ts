/** What every package that npm gets has to have, whichever it is. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { publishedPackages, readManifest } from "./workspace.mjs";

const root = resolve(import.meta.dirname, "..");
const packages = publishedPackages(root);

it("are all in the README's table", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const missing = packages.filter(
    ({ manifest, folder }) => !readme.includes(`[${manifest.name}](${folder}/README.md)`),
  );
  expect(missing.map(({ manifest }) => manifest.name)).toEqual([]);
});

describe.each(packages.map((one) => [one.manifest.name, one] as const))("%s", (_, { directory, manifest }) => {
  it("has a test of its public types that can fail", () => {
    const path = join(directory, "src/index.test-d.ts");
    expect(existsSync(path), path).toBe(true);
    expect(readFileSync(path, "utf8")).toContain("// @ts-expect-error ");
  });

  it.each(Object.entries(manifest.bin ?? {}))("%s --version prints its version", (_, file) => {
    const { stdout, stderr } = spawnSync(process.execPath, [join(directory, file), "--version"], { encoding: "utf8" });
    expect(stdout.trim(), stderr).toBe(manifest.version);
  });
});

describe("tools/package-metadata.mjs", () => {
  const workspace = mkdtempSync(join(tmpdir(), "v-triune-metadata-"));
  afterAll(() => rmSync(workspace, { recursive: true, force: true }));
  const run = (...options: string[]) => {
    const words = [join(root, "tools/package-metadata.mjs"), "--root", workspace, ...options];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    return { status, output: stdout + stderr };
  };
  const folder = join(workspace, "packages/errors");
  const manifestPath = join(folder, "package.json");
  const edit = (path: string, change: (text: string) => string) =>
    writeFileSync(path, change(readFileSync(path, "utf8")));

  it("finds nothing in a copy of a package", () => {
    mkdirSync(join(workspace, "apps"));
    for (const path of ["package.json", "LICENSE", "docs/dependencies.md"])
      cpSync(join(root, path), join(workspace, path));
    for (const name of ["package.json", "README.md", "LICENSE", "CHANGELOG.md"])
      cpSync(join(root, "packages/errors", name), join(folder, name));
    expect(run()).toEqual({ status: 0, output: "1 packages agree with package.json\n" });
  });

  it("says what differs, and where", () => {
    edit(manifestPath, (text) => text.replace('"license": "MIT"', '"license": "ISC"'));
    edit(join(folder, "README.md"), (text) => text.replace("npm install @v-triune/errors", "[dead](../other.md)"));
    const { status, output } = run();
    expect(status).toBe(1);
    expect(output).toContain('packages/errors/package.json: "license" is "ISC", expected "MIT"');
    expect(output).toContain('packages/errors/README.md: no line "npm install @v-triune/errors"');
    expect(output).toContain("packages/errors/README.md: the link ../other.md is dead on npm");
  });

  it("refuses commands that npx cannot choose among or that others may use", () => {
    edit(manifestPath, (text) => text.replace("{", '{ "bin": { "serve": "a.js", "v-triune-other": "b.js" },'));
    const { output } = run();
    expect(output).toContain("npx @v-triune/errors cannot choose among serve, v-triune-other");
    expect(output).toContain('the command "serve" has a name that other packages may use');
  });

  it("finds a dependency that docs/dependencies.md does not name", () => {
    edit(join(workspace, "docs/dependencies.md"), (text) => text.replace("| knip |", "| nothing |"));
    expect(run().output).toContain("docs/dependencies.md: knip is not named");
  });

  it("moves manifests and links to a new address", () => {
    edit(join(workspace, "package.json"), (text) =>
      text.replace(/git\+https:[^"]*/, "git+https://code.example/us/new.git"),
    );
    run("--write");
    expect(readManifest(manifestPath)).toMatchObject({
      license: "MIT",
      bugs: { url: "https://code.example/us/new/issues" },
      repository: { type: "git", url: "git+https://code.example/us/new.git", directory: "packages/errors" },
    });
    expect(readFileSync(join(folder, "README.md"), "utf8")).toContain("(https://code.example/us/new/blob/main/");
  });
});
