import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { jsonRecords } from "./json-records";

const folder = mkdtempSync(join(tmpdir(), "json-records-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function records(text: string, field?: string): Promise<unknown[]> {
  const path = join(folder, "a.json");
  writeFileSync(path, text);
  const values: unknown[] = [];
  for await (const { value } of jsonRecords(path, field)) values.push(value);
  return values;
}

const rows = [
  { id: 1, question: "How\nmany?", options: ["a"] },
  { id: 2, question: "And?", options: [] },
];

describe("jsonRecords", () => {
  it.each<[string, string]>([
    ["a list", JSON.stringify(rows)],
    ["an indented list", JSON.stringify(rows, null, 2)],
    ["lines", rows.map((row) => JSON.stringify(row)).join("\n")],
    [
      "lines with a byte order mark, blank lines and CR",
      `\uFEFF\n${rows.map((row) => JSON.stringify(row)).join("\r\n\r\n")}`,
    ],
    ["a list under a key", JSON.stringify({ version: "1", n: [1, 2], info: { list: [{}] }, data: rows })],
    [
      "a list under a key with a record in each line",
      `{"data": [${rows.map((row) => JSON.stringify(row)).join(",\n")}]}`,
    ],
    ["an indented list under a key", JSON.stringify({ version: "1", data: rows }, null, 1)],
    ["two lists, one of a usual name", JSON.stringify({ features: [{ name: "id" }], rows })],
    ["a list under any key", JSON.stringify({ items: rows })],
    ["a list beside an empty one", JSON.stringify({ errors: [], items: rows })],
    ["records by name", JSON.stringify({ a1: rows[0], a2: rows[1] })],
    ["columns as lists", JSON.stringify({ id: [1, 2], question: ["How\nmany?", "And?"], options: [["a"], []] })],
    [
      "columns as pandas writes them",
      JSON.stringify({ id: { 0: 1, 1: 2 }, question: { 0: "How\nmany?", 1: "And?" }, options: { 0: ["a"], 1: [] } }),
    ],
    [
      "columns and rows",
      JSON.stringify({
        columns: ["id", "question", "options"],
        index: [0, 1],
        data: rows.map((row) => Object.values(row)),
      }),
    ],
  ])("reads %s", async (_, text) => expect(await records(text)).toEqual(rows));

  it("reads a document that is one record, and lines of which only one is left", async () => {
    const one = { question: "Where?", boxes: [{ bbox: [1, 2, 3, 4] }], answer: "x" };
    expect(await records(JSON.stringify(one))).toEqual([one]);
    expect(await records(JSON.stringify(one, null, 2))).toEqual([one]);
    expect(await records(`${JSON.stringify({ a: 1, b: "x" })}\n`)).toEqual([{ a: 1, b: "x" }]);
  });

  it("asks which list holds the records if no name says it", async () => {
    const text = JSON.stringify({ train: rows, dev: rows.slice(1) });
    await expect(records(text)).rejects.toMatchObject({
      found: "lists under train, dev",
      fix: expect.stringContaining("field: train"),
    });
    expect(await records(text, "dev")).toEqual(rows.slice(1));
  });

  it("refuses columns of different lengths, and what is cut off", async () => {
    await expect(records('{"a": [1, 2], "b": [1]}')).rejects.toMatchObject({ found: "a: 2, b: 1" });
    await expect(records('{"data": [{"a": 1}, {"a"')).rejects.toMatchObject({ code: "unreadable" });
    await expect(records('{"a": 1}\n{"a": 2')).rejects.toMatchObject({ code: "unreadable", row: 1 });
    await expect(records('{"a": 1,\n{"a": 2}\n')).rejects.toMatchObject({ code: "unreadable" });
  });
});
