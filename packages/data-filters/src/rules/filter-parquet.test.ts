import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { filterParquet } from "./filter-parquet";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "filter-"));
  await withDatabase({}, async (c) => {
    const select = (from: number, to: number) => `SELECT i AS id, 'q' || i AS question, CASE WHEN i % 10 = 0 THEN 'x=1' WHEN i % 10 = 1 THEN repeat('a', 30) ELSE '4' END AS answer,
      CASE WHEN i % 4 = 2 THEN '[[0, 0, 90, 90]]' ELSE '[[0, 0, 9, 9]]' END AS raw, 100 AS width, 100 AS height, i * 2 AS more FROM range(${from}, ${to}) t(i)`;
    await c.run(`COPY (${select(0, 5000)}) TO ${literal(join(folder, "a.parquet"))} (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
    await c.run(`COPY (${select(5000, 8000)}) TO ${literal(join(folder, "b.parquet"))} (FORMAT parquet)`);
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = (file: string, columns = "*"): Promise<Record<string, unknown>[]> =>
  withDatabase({}, (c) => queryRows(c, `SELECT ${columns} FROM ${literal(file)}`));

describe("filterParquet", () => {
  it("keeps columns and order, counts by rule, and says which rows are gone", async () => {
    const [output, droppedTo] = [join(folder, "out.parquet"), join(folder, "dropped.parquet")];
    const result = await filterParquet([join(folder, "a.parquet"), join(folder, "b.parquet")], output, {
      rules: ["answer-symbols", "answer-length"],
      columns: { task: "'math'" },
      droppedTo,
    });
    expect(result).toMatchObject({ read: 8000, kept: 6400, dropped: [{ rule: "answer-symbols", rows: 800 }, { rule: "answer-length", rows: 800 }] });
    const kept = await rows(output);
    expect(Object.keys(kept[0] ?? {})).toEqual(["id", "question", "answer", "raw", "width", "height", "more"]);
    const expected = Array.from({ length: 8000 }, (_, i) => i).filter((i) => i % 10 > 1);
    expect(kept.map((row) => row.id).join()).toBe(expected.join());
    expect((await rows(droppedTo, "file[-9:] AS file, row, rule")).slice(999, 1002)).toEqual([
      { file: "a.parquet", row: 4991, rule: "answer-length" },
      { file: "b.parquet", row: 0, rule: "answer-symbols" },
      { file: "b.parquet", row: 1, rule: "answer-length" },
    ]);
  });

  it("keeps the same rows without reasons, and refuses what needs more than one reading", async () => {
    const inputs = [join(folder, "a.parquet"), join(folder, "b.parquet")];
    const options = { rules: ["answer-symbols", "answer-length"], columns: { task: "'math'" }, overwrite: true };
    const [one, two] = [join(folder, "one.parquet"), join(folder, "two.parquet")];
    await filterParquet(inputs, two, options);
    expect(await filterParquet(inputs, one, { ...options, reasons: false })).toEqual({ read: 8000, kept: 6400, dropped: [] });
    expect(await rows(one)).toEqual(await rows(two));
    await expect(filterParquet(inputs, one, { ...options, rules: ["category-balance"], reasons: false })).rejects.toThrow("the rule category-balance");
    await expect(filterParquet(inputs, one, { ...options, reasons: false, droppedTo: two })).rejects.toThrow("droppedTo");
  });

  it("tells that a language is not known instead of passing all rows", async () => {
    const options = { rules: ["language"], columns: { task: "'ocr'" }, overwrite: true };
    await expect(filterParquet(join(folder, "a.parquet"), join(folder, "l.parquet"), options)).rejects.toThrow("a rule that needs language");
    const columns = { ...options.columns, language: "CASE WHEN id < 10 THEN 'en' ELSE 'fr' END" };
    expect(await filterParquet(join(folder, "a.parquet"), join(folder, "l.parquet"), { ...options, columns })).toMatchObject({ kept: 10 });
  });

  it("keeps the order on many threads, and copies all when nothing is dropped", async () => {
    const expected = Array.from({ length: 8000 }, (_, i) => i);
    for (let trial = 0; trial < 5; trial++) {
      const output = join(folder, "order.parquet");
      const third = [{ rule: "third", sql: "id::INTEGER % 3 = 0", reason: "every third" }];
      await filterParquet([join(folder, "a.parquet"), join(folder, "b.parquet")], output, { rules: trial === 0 ? [] : third, threads: 4, overwrite: true });
      const ids = (await rows(output, "id")).map((row) => row.id);
      expect(ids.join()).toBe(expected.filter((i) => trial === 0 || i % 3 !== 0).join());
    }
  });

  it("maps columns by SQL", async () => {
    const output = join(folder, "boxes.parquet");
    const boxes = "list_transform(from_json(raw, '[[\"DOUBLE\"]]'), lambda b: {'x1': b[1], 'y1': b[2], 'x2': b[3], 'y2': b[4], 'label': 'cat'})";
    const result = await filterParquet(join(folder, "a.parquet"), output, { rules: ["box-shape", "box-area"], columns: { task: "'detection'", boxes } });
    expect(result).toMatchObject({ read: 5000, kept: 3750, dropped: [{ rule: "box-area", rows: 1250 }] });
  });

  it("runs set rules, the same on any number of threads", async () => {
    const kept: unknown[] = [];
    for (const threads of [1, 4]) {
      const output = join(folder, `cap-${threads}.parquet`);
      await filterParquet(join(folder, "*.parquet").replace("*", "[ab]"), output, { rules: [{ rule: "cap", max: 50 }], seed: 3, threads });
      kept.push((await rows(output, "id")).map((row) => row.id));
    }
    expect(kept[0]).toHaveLength(50);
    expect(kept[0]).toEqual(kept[1]);
  });

  it("leaves no file behind when something is wrong", async () => {
    const output = join(folder, "none.parquet");
    const bad = { rules: [{ rule: "x", sql: "nope = 1", reason: "x" }] };
    await expect(filterParquet(join(folder, "a.parquet"), output, bad)).rejects.toMatchObject({ field: "rules.x.sql" });
    await expect(filterParquet(join(folder, "a.parquet"), output, { rules: ["verifiable-answer"] })).rejects.toMatchObject({ code: "bad-option" });
    await expect(filterParquet(join(folder, "zzz.parquet"), output, { rules: [] })).rejects.toMatchObject({ code: "missing-file" });
    expect(existsSync(output) || existsSync(`${output}.partial`)).toBe(false);
    await expect(filterParquet(join(folder, "b.parquet"), join(folder, "a.parquet"), { rules: [] })).rejects.toMatchObject({ code: "output-in-use" });
  });
});
