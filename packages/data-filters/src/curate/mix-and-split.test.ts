import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { clevrFolder } from "../testing/fixtures";
import { readSamples } from "../samples/read-samples";
import { curate } from "./curate";
import { explainRow, formatExplanation } from "./explain";
import { mixCounts, type MixSource } from "./mix";
import { testRows, type SplitRow } from "./split";

const sources: MixSource[] = [
  { source: "a", task: "math", rows: 300 },
  { source: "b", task: "math", rows: 100 },
  { source: "c", task: "ocr", rows: 100 },
];

describe("mixCounts", () => {
  it.each([
    [{}, [300, 100, 100]],
    [{ size: 50 }, [30, 10, 10]],
    [{ size: 1000 }, [300, 100, 100]],
    [{ size: 7 }, [4, 2, 1]],
    [{ caps: { a: 50 } }, [50, 100, 100]],
    [{ caps: { math: 100 } }, [75, 25, 100]],
    [{ caps: { math: 100, b: 10 } }, [100, 10, 100]],
    [{ size: 100, weights: { c: 4 } }, [38, 12, 50]],
    [{ size: 300, weights: { ocr: 100 } }, [150, 50, 100]],
    [{ size: 60, weights: { a: 0 } }, [0, 30, 30]],
  ])("%j", (mix, counts) => expect(mixCounts(sources, mix)).toEqual(counts));

  it("is exact and within the rows of each source", () => {
    const offer = fc.record({ rows: fc.integer({ min: 0, max: 1000 }), weight: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(
        fc.array(offer, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 5000 }),
        (offers, size) => {
          const list = offers.map(({ rows }, i) => ({ source: `s${i}`, task: "math" as const, rows }));
          const weights = Object.fromEntries(offers.map(({ weight }, i) => [`s${i}`, weight]));
          const counts = mixCounts(list, { size, weights });
          const total = offers.reduce((sum, { rows }) => sum + rows, 0);
          expect(counts.reduce((sum, n) => sum + n, 0)).toBe(Math.min(size, total));
          for (const [i, count] of counts.entries()) expect(count).toBeLessThanOrEqual(offers[i]?.rows ?? 0);
        },
      ),
    );
  });
});

describe("testRows", () => {
  it("never puts a key on both sides, and never takes more than the share", () => {
    const row = fc.record({
      source: fc.constantFrom("a", "b"),
      keys: fc.array(fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz"), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.double({ min: 0.05, max: 0.9, noNaN: true }), (list, share) => {
        const rows: SplitRow[] = list.map((one, i) => ({ ...one, row: i }));
        const test = testRows(rows, share, 1);
        const keys = (side: boolean): Set<string> =>
          new Set(rows.filter((one) => test.has(one.row) === side).flatMap((one) => one.keys));
        for (const key of keys(true)) expect(keys(false).has(key)).toBe(false);
        for (const source of ["a", "b"]) {
          const mine = rows.filter((one) => one.source === source);
          expect(mine.filter((one) => test.has(one.row)).length).toBeLessThanOrEqual(Math.round(mine.length * share));
        }
      }),
    );
  });

  it("gives each source its exact share if no key is shared", () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ row: i, source: i < 60 ? "a" : "b", keys: [`${i}`] }));
    const test = testRows(rows, 0.1, 3);
    expect([...test].filter((i) => i < 60)).toHaveLength(6);
    expect([...test].filter((i) => i >= 60)).toHaveLength(4);
    expect([...testRows(rows, 0.1, 4)]).not.toEqual([...test]);
  });
});

describe("curate", () => {
  let root: string;
  let out: string;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "mix-"));
    out = join(root, "out");
    await clevrFolder(
      join(root, "clevr"),
      Array.from({ length: 20 }, (_, i) => `${i % 10}`),
    );
    mkdirSync(join(root, "rollouts"));
    const lines: string[] = [];
    for (let i = 0; i < 8; i++) {
      lines.push(JSON.stringify({ source: "clevr", id: "train/0", response: "It is \\boxed{0}" }));
      lines.push(JSON.stringify({ source: "clevr", id: "train/1", response: i < 3 ? "\\boxed{1}" : "\\boxed{7}" }));
      lines.push(
        JSON.stringify({
          custom_id: "clevr/train/2",
          response: { body: { choices: [{ message: { content: "\\boxed{3}" } }] } },
        }),
      );
      lines.push(JSON.stringify({ id: "clevr/train/3", correct: true }));
    }
    writeFileSync(join(root, "rollouts/a.jsonl"), lines.join("\n"));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  afterEach(() => rmSync(out, { recursive: true, force: true }));
  const clevr = () => ({
    sources: [{ source: "clevr", path: join(root, "clevr") }],
    output: out,
    rules: ["count-answer"],
  });
  const ledger = () => withDatabase({}, (c) => queryRows(c, `SELECT * FROM ${literal(join(out, "ledger.parquet"))}`));

  it("draws an exact mix and charges the rest to it", async () => {
    const report = await curate({ ...clevr(), mix: { size: 12 } });
    expect(report.sources[0]).toMatchObject({ kept: 12, dropped: [{ rule: "mix", rows: 8 }] });
    expect(report.files.map((file) => file.name)).toEqual(["train_counting_clevr_12.parquet"]);
  });

  it("sets a test set aside", async () => {
    const report = await curate({ ...clevr(), split: { test: 0.25 } });
    expect(report.files.map((file) => file.name)).toEqual([
      "train_counting_clevr_15.parquet",
      "test_counting_clevr_5.parquet",
    ]);
    const sides = (await ledger()).map((row) => row.split);
    expect(sides.filter((side) => side === "test")).toHaveLength(5);
  });

  it("filters by difficulty, judging responses in every form", async () => {
    const report = await curate({
      ...clevr(),
      rules: ["count-answer", "difficulty"],
      rollouts: join(root, "rollouts/a.jsonl"),
    });
    expect(report.sources[0]?.dropped).toMatchObject([{ rule: "difficulty", rows: 2 }]);
    // Of 8 answers each: all, 3, none and all right.
    expect(report.sources[0]?.seen?.spectrum).toEqual({
      histograms: [{ answers: 8, rows: 4, right: [1, 0, 0, 1, 0, 0, 0, 0, 2] }],
      passAt: [1, 2, 4, 8].map((k) => ({ k, rows: 4, value: expect.any(Number) })),
    });
    expect(report.sources[0]?.seen?.spectrum?.passAt[0]?.value).toBeCloseTo(report.sources[0]?.seen?.passAt1 ?? 0);
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain("3 of 8");
    const rows = (await ledger())
      .slice(0, 5)
      .map(({ id, rollout_count, mean_accuracy, kept }) => [id, rollout_count, mean_accuracy, kept]);
    expect(rows).toEqual([
      ["train/0", 8, 1, false],
      ["train/1", 8, 0.375, true],
      ["train/2", 8, 0, true],
      ["train/3", 8, 1, false],
      ["train/4", null, null, true],
    ]);
  });

  it("reads rollouts whose rule is not in the list, by the rule difficulty at its end", async () => {
    const report = await curate({ ...clevr(), rules: ["count-answer"], rollouts: join(root, "rollouts/a.jsonl") });
    expect(report.sources[0]?.dropped).toMatchObject([{ rule: "difficulty", rows: 2 }]);
    await expect(
      curate({ ...clevr(), rules: ["count-answer"], rollouts: join(root, "none.jsonl"), output: `${out}-none` }),
    ).rejects.toThrow("none.jsonl");
  });

  it("reads a folder's JSON Lines and Parquet, by the name that samples have on disk", async () => {
    const puzzle = join(root, "puzzle/data");
    mkdirSync(puzzle, { recursive: true });
    writeFileSync(
      join(puzzle, "a.json"),
      [1, 2, 3].map((n) => JSON.stringify({ image: "x.png", question: "?", answer: n })).join("\n"),
    );
    const folder = join(root, "both");
    mkdirSync(folder);
    // The samples of AlgoPuzzleVQA say puzzlevqa. A rollout whose accuracy is null is judged.
    writeFileSync(
      join(folder, "a.jsonl"),
      JSON.stringify({ source: "puzzlevqa", id: "data/a/0", response: "\\boxed{1}", accuracy: null }),
    );
    await withDatabase({}, (c) =>
      c.run(
        `COPY (
           SELECT 'algopuzzlevqa' AS source, 'data/a/1#3' AS id, 'no' AS response, i / 2 AS accuracy, i AS rollout
           FROM range(2) t(i)
         ) TO ${literal(join(folder, "b.parquet"))}`,
      ),
    );
    await curate({
      sources: [{ source: "algopuzzlevqa", path: join(root, "puzzle") }],
      output: out,
      rules: ["difficulty"],
      rollouts: folder,
    });
    expect((await ledger()).map(({ rollout_count, mean_accuracy }) => [rollout_count, mean_accuracy])).toEqual([
      [1, 1],
      [2, 0.25],
      [null, null],
    ]);
  });

  it("tags what is solved without the picture instead of dropping it", async () => {
    const solvable = { rule: "blind-solvable", min: 0.3, action: "tag" };
    const config = { ...clevr(), blindRollouts: join(root, "rollouts/a.jsonl") };
    const report = await curate({ ...config, rules: ["count-answer", solvable, { rule: "cap", max: 18 }] });
    expect(report.sources[0]).toMatchObject({ kept: 18, dropped: [{ rule: "cap", rows: 2 }] });
    const dropped = new Set((await ledger()).filter(({ kept }) => kept === false).map(({ id }) => id));
    // Rates of the first four rows: 1, 3/8, 0, 1. A row that a later rule drops has no sample to tag.
    const tagged = ["train/0", "train/1", "train/3"].filter((id) => !dropped.has(id));
    expect(report.sources[0]?.tagged).toMatchObject([{ rule: "blind-solvable", rows: tagged.length }]);
    const samples: { id: string | null; tags: unknown }[] = [];
    for await (const { extra_info: extra } of readSamples(join(out, report.files[0]!.name)))
      samples.push({ id: extra.id, tags: extra.tags });
    expect(
      samples.filter(({ tags }) => Array.isArray(tags) && tags.includes("blind-solvable")).map(({ id }) => id),
    ).toEqual(tagged);
    expect(samples).toHaveLength(18);
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain(
      `Kept with a tag: ${tagged.length} blind-solvable`,
    );
    const explained = await explainRow(out, `clevr/${tagged[0]}`);
    expect(explained.rules.find(({ rule }) => rule === "blind-solvable")?.verdict).toBe("tags");
    expect(formatExplanation(explained)).toContain("• blind-solvable");
    rmSync(out, { recursive: true, force: true });
    // Without a rule that tags, the file has Orsta's columns.
    const plain = await curate({ ...config, rules: ["count-answer", { ...solvable, action: "drop" }] });
    expect(plain.sources[0]).toMatchObject({ kept: 17, dropped: [{ rule: "blind-solvable", rows: 3 }] });
    expect(plain.sources[0]).not.toHaveProperty("tagged");
    const [layout] = await withDatabase({}, (c) =>
      queryRows(c, `SELECT typeof(extra_info) AS type FROM ${literal(join(out, plain.files[0]!.name))} LIMIT 1`),
    );
    expect(layout).toEqual({ type: "STRUCT(id VARCHAR, image_path VARCHAR)" });
    await expect(
      curate({ ...config, output: `${out}-x`, rules: [{ ...solvable, action: "keep" }] }),
    ).rejects.toMatchObject({
      field: "rules.blind-solvable.action",
      expected: "drop or tag",
    });
  });

  it("refuses rollouts that answer only other rows", async () => {
    writeFileSync(join(root, "others.jsonl"), JSON.stringify({ source: "clevr", id: "val/0", accuracy: 1 }));
    const run = curate({ ...clevr(), rules: ["difficulty"], rollouts: join(root, "others.jsonl") });
    await expect(run).rejects.toMatchObject({
      field: "rollouts",
      found: "none; the first is on clevr/val/0",
      expected: expect.stringContaining("clevr/train/0"),
    });
  });

  it.each<[object, string]>([
    [{ rules: ["difficulty"] }, "files of rollouts"],
    [{ mix: { sizes: 3 } }, "did you mean size?"],
    [{ mix: { size: -1 } }, "a whole number of rows"],
    [{ split: { test: 2 } }, "a share between 0 and 1"],
    [{ split: { test: 0.1, by: ["answer"] } }, "picture, question or both"],
  ])("refuses %j", async (more, message) => {
    const error = await curate({ ...clevr(), ...more }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DatasetError);
    expect((error as Error).message).toContain(message);
  });

  it("says what is wrong with a file of rollouts", async () => {
    writeFileSync(join(root, "bad.jsonl"), '{"source": "clevr", "id": "train/0"}\n');
    const run = curate({ ...clevr(), rules: ["difficulty"], rollouts: join(root, "bad.jsonl") });
    await expect(run).rejects.toMatchObject({ code: "wrong-layout", field: "response", row: 0 });
  });
});
