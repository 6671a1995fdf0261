import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clevrFolder } from "../testing/fixtures";
import { curate } from "./curate";
import { explainRow, explainRows, formatExplanation } from "./explain";

let root: string;
let out: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "explain-"));
  out = join(root, "out");
  await clevrFolder(join(root, "clevr"), ["1", "yes", "2"]);
  const rules = [
    "count-answer",
    "answer-length",
    { rule: "no-yes", sql: "answer = 'yes'", reason: "it says yes", tasks: ["counting"] },
    "picture-size",
    "category-balance",
  ];
  await curate({ sources: [{ source: "clevr", path: join(root, "clevr") }], output: out, rules });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("explainRow", () => {
  it("names the rule that a row is charged to, and what the others say", async () => {
    const explanation = await explainRow(out, "clevr/train/1");
    expect(explanation).toMatchObject({ kept: false, droppedBy: "count-answer", answer: "yes" });
    expect(Object.fromEntries(explanation.rules.map(({ rule, verdict }) => [rule, verdict]))).toEqual({
      "count-answer": "dropped",
      "answer-length": "other rows",
      "no-yes": "hits",
      "picture-size": "not reached",
      "category-balance": "not reached",
      "has-answer": "passes",
      "has-boxes": "other rows",
      "picture-decodes": "not reached",
      "box-shape": "other rows",
    });
  });

  it("reports that all rules pass a kept row", async () => {
    const { kept, rules } = await explainRow(out, "clevr/train/0");
    expect(kept).toBe(true);
    expect(new Set(rules.map(({ verdict }) => verdict))).toEqual(new Set(["passes", "other rows"]));
  });

  it("accepts the end of an id if only one id ends in it", async () => {
    expect(await explainRow(out, "clevr/1")).toEqual(await explainRow(out, "clevr/train/1"));
  });

  it("knows records that cannot be used, by their id and by their row, and all rows of an id", async () => {
    const folder = join(root, "table");
    mkdirSync(folder);
    const lines = [
      '{"id": "a", "question": "n?", "answer": "1"}',
      '{"id": "b", "question": "m?", "answer": "1"}',
      '{"id": "b", "question": "o?", "answer": "2"}',
      '{"id": "c", "question": "p?", "answer": [1]}',
      '{"question": "q?"}',
    ];
    writeFileSync(join(folder, "rows.jsonl"), lines.join("\n"));
    const output = join(root, "table-out");
    const settings = { task: "math", name: "mine", columns: {} };
    await curate({ sources: [{ source: "table", path: folder, settings }], output, rules: ["duplicate-id"] });
    for (const key of ["mine/c", "mine/rows/3", "mine/3"]) {
      const explanation = await explainRow(output, key);
      expect(explanation).toMatchObject({ id: "c", kept: false, droppedBy: "unreadable" });
      expect(explanation.reason).toContain("rows.jsonl, row 3, field answer");
      expect(formatExplanation(explanation)).toMatch(/^mine\/c: a record that cannot be used\n {2}.*row 3/);
      expect(new Set(explanation.rules.map(({ verdict }) => verdict))).toEqual(new Set(["not reached"]));
    }
    expect(await explainRow(output, "mine/4")).toMatchObject({ id: "rows/4", droppedBy: "unreadable" });
    expect(await explainRows(output, "mine/b")).toMatchObject([
      { id: "b", kept: true, question: "m?" },
      { id: "b", kept: false, droppedBy: "duplicate-id", question: "o?" },
    ]);
    expect(await explainRow(output, "mine/b")).toMatchObject({ kept: true });
    await expect(explainRow(output, "mine/9")).rejects.toThrow("choose one of mine/");
  });

  it("suggests similar ids, and the sources", async () => {
    await expect(explainRow(out, "clevr/train/12")).rejects.toThrow("choose one of clevr/train/1");
    await expect(explainRow(out, "mm_math/1")).rejects.toThrow("one of the sources clevr");
    await expect(explainRow(root, "clevr/train/0")).rejects.toMatchObject({ code: "missing-file" });
  });

  it("reads well at 80 columns", async () => {
    const text = formatExplanation(await explainRow(out, "clevr/train/1"));
    expect(text).toContain("clevr/train/1: dropped by count-answer\n  not a counting question");
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});
