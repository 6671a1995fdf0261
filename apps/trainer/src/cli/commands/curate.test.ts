import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommandLine } from "../run-command-line";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "curate-command-"));
  writeFileSync(
    join(folder, "rows.jsonl"),
    [
      ["1", "How many apples?", "3"],
      ["2", "Is it true that 1 = 2?", "no"],
      ["3", "How many pears?", "x=(1)"],
    ]
      .map(([id, q, a]) => JSON.stringify({ id, q, a }))
      .join("\n"),
  );
  writeFileSync(
    join(folder, "corpus.yaml"),
    "sources:\n  - source: table\n    path: .\n    settings: {task: math, name: mine, columns: {id: id, question: q, answer: a}}\nrules: [true-false, answer-symbols, {rule: three, sql: \"answer LIKE '%1%'\", reason: it has a 1}]\noutput: out\n",
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  let out = "";
  let err = "";
  const code = await runCommandLine(args, { out: (text) => void (out += text), err: (text) => void (err += text) });
  return { out, err, code };
}

it("curates, then explains a row, with every rule that hits it", async () => {
  const config = join(folder, "corpus.yaml");
  const before = await run("curate", config, "--explain", "mine/2");
  expect(before).toMatchObject({ code: 2, out: "" });
  expect(before.err).toContain("run curate first");

  const report = await run("curate", config, "--all-reasons");
  expect(report.err).toBe("");
  expect(report.out).toMatch(/mine\s+math\s+3\s+1/);
  expect(report.out).toContain("out/train_*.parquet");

  const { out } = await run("curate", config, "--explain", "mine/3", "--json");
  const explanation = JSON.parse(out) as { droppedBy: string; rules: { rule: string; verdict: string }[] };
  expect(explanation.droppedBy).toBe("answer-symbols");
  expect(explanation.rules).toContainEqual(expect.objectContaining({ rule: "three", verdict: "hits" }));

  const unknown = await run("curate", config, "--explain", "mine/9");
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain("choose one of mine/");
});

it("asks for an output folder before it explains", async () => {
  const config = join(folder, "no-output.yaml");
  writeFileSync(config, "sources: []\n");
  const { err, code } = await run("curate", config, "--explain", "mine/2");
  expect(code).toBe(2);
  expect(err).toContain("names no output folder");
});
