import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execFileSync, spawnSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const plugin = join(root, "tools/lint/house-style.mjs");
const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
const made: string[] = [];
afterEach(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

function fileWith(text: string, rule: string): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "house-style-"));
  made.push(folder);
  const config = { categories: { correctness: "off" }, jsPlugins: [plugin], rules: { [`v-triune/${rule}`]: "error" } };
  writeFileSync(join(folder, ".oxlintrc.json"), JSON.stringify(config));
  const file = join(folder, "example.ts");
  writeFileSync(file, text);
  return { folder, file };
}

/** The lines that a rule reports, with its messages. */
function reported(text: string, rule: string): string[] {
  const { folder } = fileWith(text, rule);
  const { stdout } = spawnSync(process.execPath, [oxlint, "--format", "unix"], { cwd: folder, encoding: "utf8" });
  return [...stdout.matchAll(/^example\.ts:(\d+):\d+: (.*) \[/gm)].map(([, line, message]) => `${line}: ${message}`);
}

const late = 'import { a } from "./a";\n\n/** What this file is. */\n\n/** What b is. */\nexport const b = a;\n';

test("header-first reports a comment about the file below its imports, and moves it", () => {
  expect(reported(late, "header-first")).toEqual(["3: The comment about the whole file must be above its imports."]);
  const { folder, file } = fileWith(late, "header-first");
  execFileSync(process.execPath, [oxlint, "--fix"], { cwd: folder });
  expect(readFileSync(file, "utf8")).toBe(
    '/** What this file is. */\nimport { a } from "./a";\n\n/** What b is. */\nexport const b = a;\n',
  );
});

test.each([
  ["a comment about a declaration", 'import { a } from "./a";\n\n/** What b is. */\nexport const b = a;\n'],
  ["a file that has its comment", `/** The file. */\n${late}`],
  ["a file without imports", "/** The file. */\n\n/** What b is. */\nexport const b = 1;\n"],
])("header-first leaves %s alone", (_, text) => {
  expect(reported(text, "header-first")).toEqual([]);
});

test("hash-private reports the keyword on members and parameters, not on a constructor", () => {
  const text =
    "export class A {\n  private x = 1;\n  private move(): void {}\n  #own = 2;\n" +
    "  private constructor(private readonly step: number) {}\n}\n";
  expect(reported(text, "hash-private").sort()).toEqual([
    "2: Use #x instead of private x.",
    "3: Use #move instead of private move.",
    "5: Use a field #step, set in the constructor, instead of a private parameter.",
  ]);
});

test("module-state reports let at the top of a module only", () => {
  const text =
    "let a = 1;\nexport let b = 2;\nexport const c = 3;\nexport function d() {\n  let e = a;\n  return e;\n}\n";
  expect(reported(text, "module-state")).toEqual([
    expect.stringMatching(/^1: Do not keep state in a module\./),
    expect.stringMatching(/^2: /),
  ]);
});

test("no-copies reports functions that have a home, however they are written", () => {
  const text =
    "export function isRecord(value: unknown): boolean {\n  return typeof value === 'object';\n}\n" +
    "const isObject = (value: unknown) => value !== null;\nexport const wrapText = 5;\n" +
    "export const isAlive = (pid: number) => process.kill(pid, 0) && isObject(pid);\nprocess.kill(1, 'SIGKILL');\n";
  expect(reported(text, "no-copies")).toEqual([
    "1: Import isRecord from @v-triune/node-kit/is-record, or give another idea another name.",
    "4: Import isObject from @v-triune/node-kit/is-record, or give another idea another name.",
    "6: Use isProcessAlive of @v-triune/node-kit/is-process-alive.",
  ]);
});

test("no-copies reports a rename of files", () => {
  const text =
    'import { readFile, rename } from "node:fs/promises";\nimport { renameSync as move } from "fs";\n' +
    'import { rename as other } from "./elsewhere";\nexport const all = [readFile, rename, move, other];\n';
  expect(reported(text, "no-copies")).toEqual([
    expect.stringMatching(/^1: Write files by @v-triune\/node-kit\/atomic-write/),
    expect.stringMatching(/^2: /),
  ]);
});

test("an exception is a comment with its reason", () => {
  const text =
    "// oxlint-disable-next-line v-triune/module-state -- a cache\nlet a = 1;\nexport const b = () => a++;\n";
  expect(reported(text, "module-state")).toEqual([]);
});
