/** Runs the README's examples as they stand and compares what they print with the comment lines at their end. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Inside the clone, so that the workspace's packages are found.
const folder = mkdtempSync(join(root, "tools", ".readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const examples = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^### (.+)\n```ts\n([\s\S]*?)^```/gm)].map(
  ([, name, code]) => ({
    name: name as string,
    code: code as string,
  }),
);

describe("README.md", () => {
  it("has an example for each published package", () => {
    expect(examples.map(({ name }) => name).sort()).toEqual(
      ["backend", "data-filters", "grpo", "monitor", "policy", "reward-server", "rewards", "schema", "verifiers"]
        .map((name) => `@v-triune/${name}`)
        .concat("v-triune")
        .sort(),
    );
  });

  it.each(examples)("$name prints what it says", ({ name, code }) => {
    const expected = (/((?:^\/\/ .*\n)+)$/m.exec(code)?.[1] ?? "")
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(3));
    const file = join(folder, `${name.replace(/\W/g, "-")}.ts`);
    writeFileSync(file, code);
    const result = spawnSync(process.execPath, ["--conditions=@v-triune/source", "--import", "tsx", file], {
      cwd: root,
      encoding: "utf8",
    });
    expect(result.stdout.trimEnd().split("\n"), result.stderr.slice(-1500)).toEqual(expected);
  });
});
