import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { damageRowGroup } from "../testing/faults";
import { filterParquet } from "./filter-parquet";
import type { FilterRule } from "./filter-rule";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "filter-"));
  await withDatabase({}, async (c) => {
    const select = (from: number, to: number) => `SELECT i AS id, 'q' || i AS question,
        CASE WHEN i % 10 = 0 THEN 'x=1' WHEN i % 10 = 1 THEN repeat('a', 30) ELSE '4' END AS answer,
        CASE WHEN i % 4 = 2 THEN '[[0, 0, 90, 90]]' ELSE '[[0, 0, 9, 9]]' END AS raw,
        100 AS width, 100 AS height, i * 2 AS more
      FROM range(${from}, ${to}) t(i)`;
    await c.run(
      `COPY (${select(0, 5000)}) TO ${literal(join(folder, "a.parquet"))} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    );
    await c.run(`COPY (${select(5000, 8000)}) TO ${literal(join(folder, "b.parquet"))} (FORMAT parquet)`);
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = (file: string, columns = "*"): Promise<Record<string, unknown>[]> =>
  withDatabase({}, (c) => queryRows(c, `SELECT ${columns} FROM ${literal(file)}`));

describe("filterParquet", () => {
  it("keeps columns and order, counts by rule, and lists the dropped rows", async () => {
    const [output, droppedTo] = [join(folder, "out.parquet"), join(folder, "dropped.parquet")];
    const result = await filterParquet([join(folder, "a.parquet"), join(folder, "b.parquet")], output, {
      rules: ["answer-symbols", "answer-length"],
      columns: { task: "'math'" },
      droppedTo,
    });
    expect(result).toMatchObject({
      read: 8000,
      kept: 6400,
      dropped: [
        { rule: "answer-symbols", rows: 800 },
        { rule: "answer-length", rows: 800 },
      ],
    });
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

  it("decides the same in one pass and in several", async () => {
    const inputs = [join(folder, "a.parquet"), join(folder, "b.parquet")];
    const options = { rules: ["answer-symbols", "answer-length"], columns: { task: "'math'" } };
    const [one, two] = [join(folder, "one.parquet"), join(folder, "two.parquet")];
    const result = await filterParquet(inputs, one, options);
    expect(result.dropped.map(({ rows }) => rows)).toEqual([800, 800]);
    // A file of dropped rows, or a rule over all rows, takes several.
    expect(await filterParquet(inputs, two, { ...options, droppedTo: join(folder, "gone.parquet") })).toEqual(result);
    expect(await rows(one)).toEqual(await rows(two));
    expect(
      await filterParquet(inputs, two, {
        ...options,
        rules: [...options.rules, { rule: "cap", max: 8000 }],
        overwrite: true,
      }),
    ).toEqual(result);
    expect(await rows(one)).toEqual(await rows(two));
  });

  it("computes languages and verdicts for rows that no earlier rule hit, on any number of threads", async () => {
    const input = join(folder, "texts.parquet");
    const texts = `CASE i % 3 WHEN 0 THEN 'Combien de cubes rouges voyez-vous dans la boîte '
      ELSE 'How many red cubes do you see in box ' END`;
    const words = "(SELECT string_agg(chr(97 + (hash(i, k) % 26)::INTEGER), '') FROM range(9) w(k))";
    const answers = "CASE WHEN i % 5 = 0 THEN '}{' WHEN i % 7 = 0 THEN 'x=1' ELSE i::VARCHAR END";
    await withDatabase({}, (c) =>
      c.run(
        `COPY (SELECT 'ocr' AS task, ${texts} || ${words} || '?' AS question, ${answers} AS answer
           FROM range(4620) t(i)) TO ${literal(input)} (FORMAT parquet)`,
      ),
    );
    const results: unknown[] = [];
    for (const threads of [1, 2, 4]) {
      const output = join(folder, `texts-${threads}.parquet`);
      const rules = [
        { rule: "symbols", sql: "answer = 'x=1'", reason: "an equation" },
        "language",
        "verifiable-answer",
      ];
      results.push([
        await filterParquet(input, output, { rules, threads, droppedTo: join(folder, `t-${threads}.parquet`) }),
        await rows(output),
        await rows(join(folder, `t-${threads}.parquet`), "row, rule"),
      ]);
    }
    const equations = Array.from({ length: 4620 }, (_, i) => i).filter((i) => i % 5 !== 0 && i % 7 === 0);
    const [[report]] = results as [[{ dropped: { rule: string; rows: number }[] }]];
    expect(report.dropped.map(({ rule }) => rule)).toEqual(["symbols", "language", "verifiable-answer"]);
    expect(report.dropped[0]?.rows).toBe(equations.length);
    // French, but for the equations.
    expect(report.dropped[1]?.rows).toBe(1540 - equations.filter((i) => i % 3 === 0).length);
    expect(report.dropped[2]?.rows).toBe(616);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("uses a language that the file states", async () => {
    const columns = { task: "'ocr'", language: "CASE WHEN id < 10 THEN 'en' ELSE 'fr' END" };
    expect(
      await filterParquet(join(folder, "a.parquet"), join(folder, "l.parquet"), { rules: ["language"], columns }),
    ).toMatchObject({ kept: 10 });
  });

  it("keeps the order on many threads, and copies all when nothing is dropped", async () => {
    const expected = Array.from({ length: 8000 }, (_, i) => i);
    for (let trial = 0; trial < 5; trial++) {
      const output = join(folder, "order.parquet");
      const third = [{ rule: "third", sql: "id::INTEGER % 3 = 0", reason: "every third" }];
      await filterParquet([join(folder, "a.parquet"), join(folder, "b.parquet")], output, {
        rules: trial === 0 ? [] : third,
        threads: 4,
        overwrite: true,
      });
      const ids = (await rows(output, "id")).map((row) => row.id);
      expect(ids.join()).toBe(expected.filter((i) => trial === 0 || i % 3 !== 0).join());
    }
  });

  it("maps columns by SQL", async () => {
    const output = join(folder, "boxes.parquet");
    const asBox = "{'x1': b[1], 'y1': b[2], 'x2': b[3], 'y2': b[4], 'label': 'cat'}";
    const boxes = `list_transform(from_json(raw, '[["DOUBLE"]]'), lambda b: ${asBox})`;
    const result = await filterParquet(join(folder, "a.parquet"), output, {
      rules: ["box-shape", "box-area"],
      columns: { task: "'detection'", boxes },
    });
    expect(result).toMatchObject({ read: 5000, kept: 3750, dropped: [{ rule: "box-area", rows: 1250 }] });
  });

  it("runs set rules, the same on any number of threads", async () => {
    const kept: unknown[] = [];
    for (const threads of [1, 4]) {
      const output = join(folder, `cap-${threads}.parquet`);
      await filterParquet(join(folder, "*.parquet").replace("*", "[ab]"), output, {
        rules: [{ rule: "cap", max: 50 }],
        seed: 3,
        threads,
      });
      kept.push((await rows(output, "id")).map((row) => row.id));
    }
    expect(kept[0]).toHaveLength(50);
    expect(kept[0]).toEqual(kept[1]);
  });

  it("leaves no file behind when something is wrong", async () => {
    const output = join(folder, "none.parquet");
    const bad = { rules: [{ rule: "x", sql: "nope = 1", reason: "x" }] };
    await expect(filterParquet(join(folder, "a.parquet"), output, bad)).rejects.toMatchObject({ field: "rules.x.sql" });
    for (const [rule, need] of [
      ["picture-decodes", "decoded pictures"],
      ["near-duplicate-picture", "hashes of pictures"],
      ["difficulty", "rollouts"],
    ] as const) {
      const run = filterParquet(join(folder, "a.parquet"), output, { rules: [rule] });
      await expect(run).rejects.toMatchObject({ field: `rules.${rule}`, found: `a rule that needs ${need}` });
    }
    await expect(filterParquet(join(folder, "zzz.parquet"), output, { rules: [] })).rejects.toMatchObject({
      code: "missing-file",
    });
    expect(existsSync(output) || existsSync(`${output}.partial`)).toBe(false);
    await expect(
      filterParquet(join(folder, "b.parquet"), join(folder, "a.parquet"), { rules: [] }),
    ).rejects.toMatchObject({ code: "output-in-use" });
    await expect(
      filterParquet(join(folder, "b.parquet"), join(folder, "none/out.parquet"), { rules: [] }),
    ).rejects.toMatchObject({ code: "write-failed" });
  });

  it("stops at a damaged page in any row group, in one pass and in several, and leaves no file", async () => {
    const output = join(folder, "from-damaged.parquet");
    for (const group of [0, 1, 2]) {
      const file = join(folder, `damaged-${group}.parquet`);
      copyFileSync(join(folder, "a.parquet"), file);
      await damageRowGroup(file, group, "answer");
      for (const rules of [["answer-symbols"], ["answer-symbols", "duplicate-question"]]) {
        const run = filterParquet(file, output, { rules, columns: { task: "'math'" } });
        await expect(run).rejects.toMatchObject({ name: "DatasetError", code: "unreadable", file });
      }
    }
    expect(readdirSync(folder).filter((name) => name.includes("from-damaged"))).toEqual([]);
  });

  it("refuses a result whose counts do not add up", async () => {
    const output = join(folder, "twice.parquet");
    const twice: FilterRule = {
      name: "twice",
      reason: "it is counted twice",
      scope: "set",
      query: true,
      parameters: {},
      sql: ({ relation }) =>
        `SELECT row FROM ${relation} WHERE row < 10 UNION ALL SELECT row FROM ${relation} WHERE row < 10`,
    };
    await expect(filterParquet(join(folder, "a.parquet"), output, { rules: [twice] })).rejects.toMatchObject({
      code: "row-count",
      expected: "4980 rows: 5000 were read, 20 dropped",
      found: "4990 rows",
    });
    expect(existsSync(output)).toBe(false);
  });
});
