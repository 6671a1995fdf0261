/**
 * Runs every file of `examples/` and compares what it prints with the comment lines at its end; the pages that show it
 * show it as it is.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { publishedPackages } from "../workspace.mjs";
import { exampleFiles, expectedOutput, markdownExamples, pagesWithExamples, withExamples } from "./markdown-examples";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const pages = pagesWithExamples(root);
const examples = exampleFiles(root);

const folders = [...new Set(examples.map((file) => dirname(file)))];

// A folder's examples share a process: most of an example's time goes into loading the packages.
describe.each(folders)("%s", (folder) => {
  const files = examples.filter((file) => dirname(file) === folder);
  let outcome: { stdout: string; stderr: string; status: number | null };
  beforeAll(() => {
    outcome = spawnSync(
      process.execPath,
      ["--conditions=@v-triune/source", "--import", "tsx", "tools/examples/run-in-turn.ts", ...files],
      { cwd: root, encoding: "utf8" },
    );
  });

  it.each(files)("%s prints what its last lines say", (file) => {
    const printed = outcome.stdout.split("\u001e\n")[files.indexOf(file)]?.trimEnd();
    expect(printed, outcome.stderr.slice(-1500)).toBe(expectedOutput(read(file)));
  });

  it("ends without an error", () => {
    expect(outcome.status, outcome.stderr.slice(-1500)).toBe(0);
  });
});

describe("examples/", () => {
  it("are all shown on a page", () => {
    const shown = new Set(pages.flatMap((page) => markdownExamples(read(page)).map(({ file }) => file)));
    expect(examples.filter((file) => !shown.has(file))).toEqual([]);
  });
});

describe("Markdown pages", () => {
  it.each(pages)("%s shows its examples as they are (npm run examples writes them)", (page) => {
    expect(read(page)).toBe(withExamples(read(page), read));
  });

  it.each(publishedPackages(root).map(({ manifest, folder }) => [manifest.name, `${folder}/README.md`]))(
    "of %s has an example, and no code that is not run",
    (_, page) => {
      const blocks = markdownExamples(read(page));
      expect(blocks.length).toBeGreaterThan(0);
      expect(blocks.filter(({ file }) => file === null).map(({ line }) => `${page}:${line}`)).toEqual([]);
    },
  );
});
