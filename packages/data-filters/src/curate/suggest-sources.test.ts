import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { literal, withDatabase } from "../duckdb/database";
import { clevrFolder, tinyPng } from "../testing/fixtures";
import { suggestSources } from "./suggest-sources";

const root = mkdtempSync(join(tmpdir(), "suggest-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folderOf(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
  return folder;
}

const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

describe("suggestSources", () => {
  it("knows a published layout", async () => {
    await clevrFolder(join(root, "clevr"), ["1", "2"]);
    expect(await suggestSources(join(root, "clevr"))).toMatchObject([
      { source: "clevr", rows: [{ id: "train/0", answer: "1", pictures: "0.png" }, { id: "train/1" }] },
    ]);
  });

  it.each<[string, object, object]>([
    [
      "usual names",
      { id: 1, question: "How many?", answer: "2", image: "a.png" },
      { id: "id", question: "question", answer: "answer", image: "image" },
    ],
    [
      "short names",
      { key: 1, q: "What is x?", a: "2", img: "a.png" },
      { id: "key", question: "q", answer: "a", image: "img" },
    ],
    [
      "other names",
      { frage: "Which color has the car?", wert: "red", bild: "a.jpg" },
      { question: "frage", answer: "wert", image: "bild" },
    ],
    [
      "boxes",
      { file_name: "a.png", objects: [{ bbox: [1, 2, 3, 4], label: "x" }], width: 5, height: 6 },
      { boxes: "objects", image: "file_name", width: "width", height: "height" },
    ],
  ])("guesses columns of %s", async (name, row, columns) => {
    const [source] = await suggestSources(
      folderOf(name, { "q.jsonl": lines([row, row]), "a.png": await tinyPng(8, 8, 1) }),
    );
    expect(source).toMatchObject({ source: "table", settings: { columns }, missing: [] });
    expect(Object.keys(source?.settings?.columns as object).sort()).toEqual(Object.keys(columns).sort());
  });

  it("says which columns it did not find, and shows three rows", async () => {
    const rows = [1, 2, 3, 4].map((n) => ({ n, text_of_it: `something of ${n}` }));
    const [source] = await suggestSources(folderOf("odd", { "q.jsonl": lines(rows) }));
    expect(source).toMatchObject({ source: "table", columns: ["n", "text_of_it"] });
    expect(source?.rows).toHaveLength(3);
    expect(source?.rows[0]).toEqual({ n: "1", text_of_it: "something of 1" });
  });

  it("suggests one source for each kind of table, and verl for its own", async () => {
    const folder = folderOf("several", {
      "a.csv": "question,answer\nHow much is 1 + 1?,2\n",
      "b.jsonl": lines([{ query: "Which is it?", label: "red" }]),
    });
    const corpus =
      "SELECT [{'role': 'user', 'content': 'n?'}] AS prompt, {'ground_truth': '1'} AS reward_model, 'x' AS data_source";
    await withDatabase({}, (c) => c.run(`COPY (${corpus}) TO ${literal(join(folder, "c.parquet"))} (FORMAT parquet)`));
    const sources = await suggestSources(folder);
    expect(sources.map(({ source, settings }) => [source, settings?.name, settings?.files])).toEqual([
      ["table", "a", "^(a\\.csv)$"],
      ["table", "b", "^(b\\.jsonl)$"],
      ["verl", "c", "^(c\\.parquet)$"],
    ]);
  });

  it("refuses a folder without tables", async () => {
    await expect(suggestSources(folderOf("none", { "a.txt": "x" }))).rejects.toMatchObject({
      code: "wrong-layout",
      found: "a.txt",
    });
    await expect(suggestSources(join(root, "nowhere"))).rejects.toMatchObject({ code: "missing-file" });
  });
});
