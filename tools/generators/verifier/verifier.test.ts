import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Tree } from "@nx/devkit";
import { createTreeWithEmptyWorkspace } from "@nx/devkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import verifierGenerator from "./verifier.cjs";

const root = resolve(import.meta.dirname, "../../..");
const INDEX = "packages/verifiers/src/index.ts";
const BUILTIN = "packages/rewards/src/builtin-verifiers.ts";
const KNOWN = "packages/schema/src/reward-defaults.ts";
const README = "packages/verifiers/README.md";
const { VerifierGeneratorError } = verifierGenerator;

/** A virtual workspace with the files that the generator edits, and one verifier's, as they are in this repository. */
function workspace(): Tree {
  const tree = createTreeWithEmptyWorkspace();
  for (const path of [INDEX, BUILTIN, KNOWN, README, "packages/verifiers/src/number/number-verifier.ts"])
    tree.write(path, readFileSync(join(root, path), "utf8"));
  return tree;
}

const changes = (tree: Tree) =>
  new Map(tree.listChanges().map(({ path, content }) => [path, content?.toString() ?? ""]));

// The names are ones that nobody gives a verifier: these tests pass in a clone that has verifiers of its own.
describe("nx g @v-triune/tools:verifier", () => {
  it("is what the package names", () => {
    const { generators } = JSON.parse(readFileSync(join(root, "tools/package.json"), "utf8")) as { generators: string };
    const { verifier } = (
      JSON.parse(readFileSync(join(root, "tools", generators), "utf8")) as {
        generators: { verifier: { factory: string; schema: string } };
      }
    ).generators;
    expect(resolve(root, "tools", verifier.factory)).toBe(join(import.meta.dirname, "verifier.cjs"));
    expect(JSON.parse(readFileSync(join(root, "tools", verifier.schema), "utf8"))).toMatchObject({
      required: ["name"],
    });
  });

  it("makes the files and registers the verifier, and nothing else", () => {
    const before = changes(workspace());
    const tree = workspace();
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    void verifierGenerator(tree, { name: "generator-trial-verifier" })();
    expect(said.mock.calls.join()).toContain("npx vitest run packages/verifiers/src/generator-trial-verifier");
    said.mockRestore();
    const after = changes(tree);
    expect([...after.keys()].filter((path) => after.get(path) !== before.get(path)).sort()).toEqual(
      [
        "docs/verifiers/generator-trial-verifier.md",
        README,
        BUILTIN,
        KNOWN,
        INDEX,
        "packages/verifiers/src/generator-trial-verifier/golden.json",
        "packages/verifiers/src/generator-trial-verifier/generator-trial-verifier.test.ts",
        "packages/verifiers/src/generator-trial-verifier/generator-trial-verifier.ts",
      ].sort(),
    );
    for (const [path, text] of after) expect(text, path).not.toContain("<%");
    const added = (path: string) => {
      const old = new Set(before.get(path)?.split("\n"));
      return after
        .get(path)
        ?.split("\n")
        .filter((line) => !old.has(line));
    };
    expect(added(INDEX)).toEqual([
      'export { createGeneratorTrialVerifier, generatorTrialVerifier } from "./generator-trial-verifier/generator-trial-verifier";',
    ]);
    expect(added(BUILTIN)).toEqual([
      "  generatorTrialVerifier,",
      '    "generator-trial-verifier": generatorTrialVerifier,',
    ]);
    expect(added(KNOWN)).toEqual(['  "generator-trial-verifier",']);
    expect(added(README)).toEqual([
      expect.stringMatching(
        /^\| `generator-trial-verifier` \| \[docs\/verifiers\/generator-trial-verifier\.md\]\(https:\/\/\S+\/blob\/main\/docs\/verifiers\/generator-trial-verifier\.md\) \| a text \|$/,
      ),
    ]);
  });

  it("puts a second one beside the first", () => {
    const tree = workspace();
    for (const name of ["z-generator-trial", "a-generator-trial", "browsers"]) verifierGenerator(tree, { name });
    expect(tree.exists("packages/verifiers/src/a-generator-trial/a-generator-trial-verifier.ts")).toBe(true);
    const exports = tree
      .read(INDEX, "utf8")
      ?.split("\n")
      .filter((line) => /generator-trial/.test(line));
    expect(exports).toEqual([
      'export { aGeneratorTrial, createAGeneratorTrialVerifier } from "./a-generator-trial/a-generator-trial-verifier";',
      'export { createZGeneratorTrialVerifier, zGeneratorTrial } from "./z-generator-trial/z-generator-trial-verifier";',
    ]);
  });

  it.each([
    ["My Verifier", "a name in kebab-case"],
    ["../escape", "a name in kebab-case"],
    ["2fast", "a name in kebab-case"],
    ["a".repeat(41), "at most 40 letters"],
    ["class", '"class" is a word of the language'],
    ["params", 'the generated code uses "params" itself'],
    ["describe", 'the generated code uses "describe" itself'],
    ["iou-threshold", `${INDEX} holds "iouThreshold" already`],
    ["number", "packages/verifiers/src/number exists already"],
  ])("refuses the name %j and writes nothing", (name, message) => {
    const tree = workspace();
    const before = changes(tree);
    expect(() => verifierGenerator(tree, { name })).toThrow(VerifierGeneratorError);
    expect(() => verifierGenerator(tree, { name })).toThrow(message);
    expect(changes(tree)).toEqual(before);
  });

  it("says which file looks different, and writes nothing", () => {
    const tree = workspace();
    tree.write(BUILTIN, "export default () => [];\n");
    const before = changes(tree);
    expect(() => verifierGenerator(tree, { name: "generator-trial" })).toThrow(
      `${BUILTIN} does not look as this generator expects: import`,
    );
    expect(changes(tree)).toEqual(before);
    tree.delete(BUILTIN);
    expect(() => verifierGenerator(tree, { name: "generator-trial" })).toThrow(`${BUILTIN} is missing`);
  });
});

describe("what it makes", () => {
  let folder: string;
  const run = (command: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "node_modules", command), ...args], {
      cwd: folder,
      encoding: "utf8",
    });
    return { status, output: stdout + stderr };
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "v-triune-generator-"));
    for (const path of [
      "tsconfig.base.json",
      "vitest.config.ts",
      ".oxlintrc.json",
      "tools/lint",
      "packages/errors/package.json",
      "packages/errors/src",
      "packages/verifiers/package.json",
      "packages/verifiers/src",
      "packages/rewards/package.json",
      "packages/rewards/src",
      "packages/schema/package.json",
      "packages/schema/src",
    ])
      cpSync(join(root, path), join(folder, path), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: "./tsconfig.base.json",
        include: ["packages/verifiers/src/generator-trial", "packages/verifiers/src/index.ts", BUILTIN],
      }),
    );
    mkdirSync(join(folder, "node_modules/@v-triune"), { recursive: true });
    for (const name of readdirSync(join(root, "node_modules")))
      if (name !== "@v-triune" && name !== ".bin" && name !== ".vite")
        symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
    for (const name of ["errors", "schema", "verifiers"])
      symlinkSync(join(folder, "packages", name), join(folder, "node_modules/@v-triune", name), "junction");
    const tree = workspace();
    verifierGenerator(tree, { name: "generator-trial" });
    for (const [path, text] of changes(tree)) {
      if (!/^(packages|docs)\//.test(path)) continue;
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("passes its own test and the conformance kit", () => {
    const { status, output } = run("vitest/vitest.mjs", "run", "packages/verifiers/src/generator-trial");
    expect(output).toContain("12 passed");
    expect(status, output).toBe(0);
  });

  it("passes the type-check and the linter", () => {
    expect(run("typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json")).toEqual({ status: 0, output: "" });
    const { status, output } = run(
      "oxlint/bin/oxlint",
      "--deny-warnings",
      "packages/verifiers/src/generator-trial",
      INDEX,
      BUILTIN,
    );
    expect(status, output).toBe(0);
  });
});
