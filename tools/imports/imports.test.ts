import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { checkImports } from "./check-imports";
import { describeLayer } from "./check-layers";
import { LAYERS, type Layer } from "./layers";
import { readWorkspace } from "./read-imports";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const made: string[] = [];
afterEach(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

const layers: Readonly<Record<string, Layer>> = {
  errors: { imports: [] },
  schema: { imports: [] },
  backend: { imports: [], tensorflow: true },
  policy: { imports: ["schema"], inTests: ["backend"], pages: ["schema"] },
};

/** Problems of a workspace of these files. */
function problemsOf(files: Readonly<Record<string, string>>, untying: readonly string[] = []): string[] {
  const folder = mkdtempSync(join(tmpdir(), "imports-"));
  made.push(folder);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const name of Object.keys(layers)) {
    const exports = { ".": { "@v-triune/source": "./src/index.ts" } };
    write(`packages/${name}/package.json`, JSON.stringify({ name: `@v-triune/${name}`, exports }));
    write(`packages/${name}/src/index.ts`, "");
  }
  for (const [path, text] of Object.entries(files)) write(path, text);
  return checkImports(readWorkspace(folder), layers, untying);
}

test("an import of a lower layer is allowed, and every package may import errors", () => {
  const text = 'import { a } from "@v-triune/schema";\nimport { b } from "@v-triune/errors";';
  expect(problemsOf({ "packages/policy/src/a.ts": text })).toEqual([]);
});

test.each([
  ["static", 'import { a } from "@v-triune/policy";'],
  ["type-only", 'import type { A } from "@v-triune/policy";'],
  ["re-export", 'export { a } from "@v-triune/policy";'],
  ["dynamic", 'const a = await import("@v-triune/policy");'],
  ["import type", 'type A = import("@v-triune/policy").A;'],
  ["subpath", 'import { a } from "@v-triune/policy/parity";'],
])("a %s import against the layers is reported with file, line and layer", (_, statement) => {
  expect(problemsOf({ "packages/schema/src/a.ts": `// first line\n${statement}` })).toEqual([
    expect.stringMatching(
      /^packages\/schema\/src\/a\.ts:2: imports "@v-triune\/policy.*"\.\n {2}Imports look down only: packages\/schema may import errors \(docs\/architecture\.md\)$/,
    ),
  ]);
});

test("what only tests may import is reported elsewhere", () => {
  const text = 'import { a } from "@v-triune/backend";';
  expect(problemsOf({ "packages/policy/src/a.test.ts": text, "packages/policy/src/testing/b.ts": text })).toEqual([]);
  expect(problemsOf({ "packages/policy/src/a.ts": text })).toHaveLength(1);
});

test("TensorFlow.js is reported in a package that works without it", () => {
  const text = 'import { tensor } from "@tensorflow/tfjs-core";';
  expect(problemsOf({ "packages/backend/src/a.ts": text })).toEqual([]);
  expect(problemsOf({ "packages/schema/src/a.ts": text })).toEqual([
    expect.stringContaining("schema works without TensorFlow.js"),
  ]);
});

test("a file of another package is imported by name", () => {
  expect(problemsOf({ "packages/policy/src/a.ts": 'import { a } from "../../schema/src/index";' })).toEqual([
    expect.stringContaining("import from an entry point of schema, by name"),
  ]);
});

test("a page may be built of another package's page parts, if its layer says so", () => {
  const parts = { "packages/schema/web/box.tsx": "export const a = 1;" };
  const text = 'import { a } from "../../schema/web/box";';
  expect(problemsOf({ ...parts, "packages/policy/web/page.tsx": text })).toEqual([]);
  expect(problemsOf({ ...parts, "packages/backend/web/page.tsx": text })).toHaveLength(1);
});

test("a package without a layer is reported", () => {
  expect(problemsOf({ "packages/extra/package.json": '{ "name": "@v-triune/extra" }' })).toEqual([
    expect.stringContaining('add "extra" to tools/imports/layers.ts'),
  ]);
});

test("a cycle between folders names the fewest imports that close it", () => {
  const problems = problemsOf({
    "packages/policy/src/model/a.ts": 'import "../generation/b";',
    "packages/policy/src/generation/b.ts": "export {};",
    "packages/policy/src/generation/c.ts": 'import "../model/d";\nimport "../model/a";',
    "packages/policy/src/model/d.ts": "export {};",
  });
  expect(problems).toEqual([
    "Import cycle between folders: packages/policy/src/generation -> packages/policy/src/model -> packages/policy/src/generation\n" +
      "  fix: remove this import; what both sides need can move below both\n" +
      '    packages/policy/src/model/a.ts:1: imports "../generation/b"',
  ]);
});

test("a cycle between folders is found below the first level as well", () => {
  const problems = problemsOf({
    "packages/policy/src/model/attention/a.ts": 'import "../rotary/b";',
    "packages/policy/src/model/rotary/b.ts": "export {};",
    "packages/policy/src/model/rotary/c.ts": 'import "../attention/d";',
    "packages/policy/src/model/attention/d.ts": "export {};",
  });
  expect(problems).toEqual([expect.stringMatching(/^Import cycle between folders: .*\/attention -> .*\/rotary -> /)]);
});

test("a cycle between files is found through dynamic imports, threads and the package's own name", () => {
  const problems = problemsOf({
    "packages/policy/src/index.ts": 'export { a } from "./start";',
    "packages/policy/src/start.ts": 'new Worker(new URL("./thread.mjs", import.meta.url));',
    "packages/policy/src/thread.mjs": 'await import("./task.ts");',
    "packages/policy/src/task.ts": 'import type { A } from "@v-triune/policy";',
  });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^Import cycle between files: .*start\.ts -> .*thread\.mjs -> .*task\.ts -> .*index\.ts/);
});

test("a cycle between folders that only a test closes is allowed", () => {
  const problems = problemsOf({
    "packages/policy/src/model/a.ts": "export {};",
    "packages/policy/src/model/a.test.ts": 'import "../generation/b";',
    "packages/policy/src/index.ts": 'import "./generation/b";',
    "packages/policy/src/generation/b.ts": 'import "../model/a";',
  });
  expect(problems).toEqual([]);
});

test("a file that only tests import lies in a folder for test helpers", () => {
  const helper = { "packages/policy/src/model/tiny.ts": "export {};" };
  const test = { "packages/policy/src/model/a.test.ts": 'import "./tiny";' };
  expect(problemsOf({ ...helper, ...test })).toEqual([
    "packages/policy/src/model/tiny.ts: only tests import it, such as packages/policy/src/model/a.test.ts.\n" +
      "  fix: move it to a testing folder",
  ]);
  expect(problemsOf({ ...helper, ...test, "packages/policy/src/model/a.ts": 'import "./tiny";' })).toEqual([]);
  expect(
    problemsOf({
      "packages/policy/src/model/testing/tiny.ts": "export {};",
      "packages/policy/src/model/a.test.ts": 'import "./testing/tiny";',
    }),
  ).toEqual([]);
});

test("code that ships does not import a test helper", () => {
  expect(
    problemsOf({
      "packages/policy/src/testing/tiny.ts": "export {};",
      "packages/policy/src/a.ts": 'import "./testing/tiny";',
    }),
  ).toEqual([
    'packages/policy/src/a.ts:1: imports "./testing/tiny", a helper of tests.\n' +
      "  fix: move what it needs out of the testing folder",
  ]);
});

test("a package that is not finished is not reported until it needs no exception", () => {
  const knot = {
    "packages/policy/src/a.ts": 'import "./b";',
    "packages/policy/src/b.ts": 'import "./a";',
  };
  expect(problemsOf(knot, ["packages/policy"])).toEqual([]);
  expect(problemsOf({}, ["packages/policy"])).toEqual([expect.stringContaining("needs no exception any more")]);
});

test("the table lists packages from the bottom up", () => {
  const names = Object.keys(LAYERS);
  for (const [at, { imports, inTests = [] }] of Object.values(LAYERS).entries())
    for (const other of [...(imports === "all" ? [] : imports), ...inTests])
      expect(names.slice(0, at), `a row above ${names[at]}`).toContain(other);
});

test("docs/architecture.md shows the table", () => {
  const [top] = readFileSync(join(root, "docs/architecture.md"), "utf8").split("\n## ");
  const shown = top!
    .split("\n")
    .map((line) => /^\| `(?:@v-triune\/)?([\w-]+)`[^|]*\|[^|]*\|([^|]*)\|$/.exec(line))
    .flatMap((row) => (row === null ? [] : [[row[1]!, row[2]!.trim()]]));
  const present = new Set(readWorkspace(root).packages.map(({ name }) => name));
  const expected = Object.entries(LAYERS)
    .filter(([name]) => present.has(name))
    .map(([name, layer]) => [name, describeLayer(layer)]);
  expect(shown).toEqual(expected);
});
