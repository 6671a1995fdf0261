import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "../../testing/run-command";

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
    "sources:\n  - source: table\n    path: .\n" +
      "    settings: {task: math, name: mine, columns: {id: id, question: q, answer: a}}\n" +
      "rules: [true-false, answer-symbols, {rule: three, sql: \"answer LIKE '%1%'\", reason: it has a 1}]\n" +
      "output: out\n",
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("curates, then explains a row, with every rule that hits it", async () => {
  const config = join(folder, "corpus.yaml");
  const before = await runCommand("curate", config, "--explain", "mine/2");
  expect(before).toMatchObject({ code: 2, out: "" });
  expect(before.err).toContain("run curate first");

  const report = await runCommand("curate", config, "--all-reasons");
  expect(report.err).toBe("");
  expect(report.out).toMatch(/mine\s+math\s+3\s+1/);
  expect(report.out).toContain("out/train_*.parquet");

  const { out } = await runCommand("curate", config, "--explain", "mine/3", "--json");
  const explanation = JSON.parse(out) as { droppedBy: string; rules: { rule: string; verdict: string }[] };
  expect(explanation.droppedBy).toBe("answer-symbols");
  expect(explanation.rules).toContainEqual(expect.objectContaining({ rule: "three", verdict: "hits" }));

  const unknown = await runCommand("curate", config, "--explain", "mine/9");
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain("choose one of mine/");
});

it("replaces a run, adds to it, and exits with 2 if no row is kept", async () => {
  const config = join(folder, "corpus.yaml");
  const again = await runCommand("curate", config, "--set", `output=${join(folder, "twice")}`);
  expect(again.code).toBe(0);
  const refused = await runCommand("curate", config, "--set", `output=${join(folder, "twice")}`);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain("--overwrite");
  expect((await runCommand("curate", config, "--set", `output=${join(folder, "twice")}`, "--overwrite")).code).toBe(0);
  const added = await runCommand(
    "curate",
    config,
    "--set",
    `output=${join(folder, "twice")}`,
    "--append",
    "--set",
    "sources[0].settings.name=more",
  );
  expect(added.out).toMatch(/mine\s+math\s+3\s+1[^]*more\s+math\s+3\s+1/);
  expect((await runCommand("curate", config, "--overwrite", "--append")).err).toContain("exclude each other");
  const nothing = await runCommand(
    "curate",
    config,
    "--set",
    `output=${join(folder, "none")}`,
    "--set",
    "rules=[{rule: no, sql: 'true', reason: all}]",
  );
  expect(nothing.code).toBe(2);
  expect(nothing.out).toContain("No row was kept");
});

it("explains records that cannot be used, and all rows of an id", async () => {
  writeFileSync(
    join(folder, "bad.jsonl"),
    '{"id": "a", "q": "n?", "a": "1"}\n{"id": "a", "q": "m?", "a": "1"}\n{"q": "n?", "a": []}\n',
  );
  const config = join(folder, "bad.yaml");
  writeFileSync(
    config,
    "sources: [{source: table, path: ., settings: {task: math, name: bad, files: bad.jsonl, columns: {id: id, question: q, answer: a}}}]\noutput: bad-out\n",
  );
  const report = await runCommand("curate", config);
  expect(report.out).toContain("Records that cannot be used: 1, among them");
  const { out } = await runCommand("curate", config, "--explain", "bad/2", "--explain", "bad/a");
  expect(out).toContain("bad/bad/2: a record that cannot be used");
  expect(out.match(/^bad\/a: /gm)).toHaveLength(2);
});

it("names the source and the line of a mistake, and the columns that there are", async () => {
  const config = join(folder, "nine.yaml");
  const source = (columns: string) =>
    `  - {source: table, path: ., settings: {task: math, name: mine, files: rows, columns: ${columns}}}\n`;
  writeFileSync(
    config,
    `output: nine\nsources:\n${source("{id: id, question: q, answer: a}").repeat(8)}${source("{question: quest, answer: a}")}`,
  );
  const { code, err } = await runCommand("curate", config);
  expect(code).toBe(2);
  expect(err).toMatch(
    /sources\.8\.settings\.columns\.question[^]*nine\.yaml:11[^]*one of the columns id, q, a[^]*no column quest in rows\.jsonl/,
  );
  writeFileSync(config, `output: nine\nsources:\n${source("{question: q, answer: a}").replace("math", "maths")}`);
  expect((await runCommand("curate", config)).err).toMatch(/sources\.0\.settings\.task[^]*nine\.yaml:3/);
});

it("writes a configuration for a folder, which runs", async () => {
  const data = join(folder, "my data");
  mkdirSync(data);
  writeFileSync(
    join(data, "q.csv"),
    "key,query,label\n1,How much is 1 + 1?,2\n2,How much is 1 + 2?,3\n3,How much is 2 + 2?,4\n4,How much is 2 + 3?,5\n",
  );
  const file = join(folder, "mine.yaml");
  const made = await runCommand("curate", "init", data, "--output", file);
  expect(made).toMatchObject({ code: 0, err: "" });
  expect(made.out).toContain("id: key");
  const text = readFileSync(file, "utf8");
  expect(text).toContain("# Columns of the files: key, query, label");
  expect(text.match(/# - key: \d/g)).toHaveLength(3);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  expect((await runCommand("curate", "init", data, "--output", file)).err).toContain("stays as it is");
  const report = await runCommand("curate", file, "--json", "--set", "rules=[duplicate-id]");
  expect(report).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(report.out)).toMatchObject({
    totals: { read: 4, kept: 4 },
    sources: [{ source: "my_data", task: "math" }],
  });
  expect((await runCommand("curate", file, data)).err).toContain("takes one configuration");
});

it("lists the golds that look most wrong, and says what it takes", async () => {
  const config = join(folder, "golds.yaml");
  const rows = Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, q: `How many pears are in ${i}?`, a: `${i}` }));
  writeFileSync(join(folder, "golds.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const answers = rows.map(({ id, a }) => ({
    source: "mine",
    id,
    responses: Array<string>(8).fill(`\\boxed{${id === "7" ? "70" : a}}`),
  }));
  writeFileSync(join(folder, "answers.json"), JSON.stringify(answers));
  writeFileSync(
    config,
    "sources: [{source: table, path: ., settings: {task: math, name: mine, files: golds.jsonl, columns: {id: id, question: q, answer: a}}}]\n" +
      "rules: [duplicate-id]\noutput: golds-out\n",
  );
  await runCommand("curate", config);
  expect((await runCommand("curate", config, "--suspects", "3")).err).toContain("a run without rollouts");
  const run = await runCommand("curate", config, "--set", `rollouts=${join(folder, "answers.json")}`, "--overwrite");
  expect(run.out).toContain("golds that look wrong: 1 of 20 rows");
  const { out } = await runCommand("curate", config, "--suspects", "3");
  expect(out).toMatch(/^ {2}1 .* mine\/7\n.*gold "7": 0 of 8 answers; 8 say "70"\n.*How many pears are in 7\?/);
  expect((await runCommand("curate", config, "--suspects", "some")).err).toContain("a whole number");
});

it("asks for an output folder before it explains", async () => {
  const config = join(folder, "no-output.yaml");
  writeFileSync(config, "sources: []\n");
  const { err, code } = await runCommand("curate", config, "--explain", "mine/2");
  expect(code).toBe(2);
  expect(err).toContain("names no output folder");
});
