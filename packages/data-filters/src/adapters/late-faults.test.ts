/** Files that are sound at their beginning: every record of them arrives, or an error does. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { literal, withDatabase, type DatabaseOptions } from "../duckdb/database";
import { damageRowGroup, rowGroupCount } from "../testing/faults";
import { fileRecords } from "./table-records";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "late-faults-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reads all records; `between` runs after each. */
async function read(
  file: string,
  options: DatabaseOptions = { threads: 2 },
  between: (record: number) => void = () => {},
): Promise<{ records: number; error: DatasetError | null }> {
  return withDatabase(options, async (connection) => {
    const bad = (error: DatasetError): never => {
      throw error;
    };
    const context = { folder, connection, settings: {}, spool: () => ({ name: "", file: "" }), bad };
    let records = 0;
    try {
      for await (const { row } of fileRecords(context, file)) {
        if (row !== records) expect.fail(`row ${row} after ${records} records`);
        between(records++);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(DatasetError);
      return { records, error: error as DatasetError };
    }
    return { records, error: null };
  });
}

describe("a CSV file", () => {
  function csv(name: string, rows: number, line?: string | Buffer, at = rows - 1000): string {
    const lines = Array.from({ length: rows }, (_, i): string | Buffer => `How many are in row ${i}?,${i},a.png`);
    if (line !== undefined) lines[at - 1] = line;
    const file = join(folder, name);
    writeFileSync(
      file,
      Buffer.concat(
        ["question,answer,image", ...lines].map((one) => Buffer.concat([Buffer.from(one), Buffer.from("\n")])),
      ),
    );
    return file;
  }

  it.each([25_000, 70_000])("gives all of %i rows when nothing is wrong", async (rows) => {
    expect(await read(csv("sound.csv", rows))).toEqual({ records: rows, error: null });
    expect(await read(csv("inches.csv", rows, 'A 5" pipe?,7,a.png'))).toEqual({ records: rows, error: null });
  });

  it("may quote a cell for the first time long after its beginning", async () => {
    const file = csv("quoted.csv", 70_000, '"Late, ""quoted"",\nand in two lines?",7,a.png');
    const questions: unknown[] = [];
    await withDatabase({ threads: 2 }, async (connection) => {
      const context = { folder, connection, settings: {}, spool: () => ({ name: "", file: "" }), bad: () => {} };
      for await (const { value } of fileRecords(context, file)) questions.push(value.question);
    });
    expect(questions).toHaveLength(70_000);
    expect(questions[68_999]).toBe('Late, "quoted",\nand in two lines?');
  });

  it.each(["first.csv", "late.csv", "first.tsv", "late.tsv"])("may have cells of 9 MB (%s)", async (name) => {
    const separator = name.endsWith("tsv") ? "\t" : ",";
    const cell = "x".repeat(9_000_000);
    const at = name.startsWith("first") ? 0 : 30_000;
    const lines = Array.from({ length: at + 1 }, (_, i) => ["How many?", i, i === at ? cell : "a.png"].join(separator));
    const file = join(folder, name);
    writeFileSync(file, [["question", "answer", "image"].join(separator), ...lines].join("\n"));
    const lengths: number[] = [];
    await withDatabase({ threads: 2 }, async (connection) => {
      const context = { folder, connection, settings: {}, spool: () => ({ name: "", file: "" }), bad: () => {} };
      for await (const { value } of fileRecords(context, file)) lengths.push(String(value.image).length);
    });
    expect([lengths.length, lengths.at(-1)]).toEqual([at + 1, cell.length]);
  });

  it.each<[string, number, string | Buffer, RegExp]>([
    ["a quote that does not end", 70_000, '"Never closed?,7,a.png', /Line: 69001\n[^]*Never closed/],
    [
      "a comma too many",
      25_000,
      "A late, ragged row?,7,a.png",
      /Line: 24001\nOriginal Line: A late, ragged row\?.*\nExpected Number of Columns: 3 Found: 4/,
    ],
    ["a comma too many", 70_000, "A late, ragged row?,7,a.png", /Line: 69001\n[^]*Found: 4/],
    ["columns too few", 25_000, "A short row?", /Line: 24001\n[^]*Found: 1/],
    ["columns too few", 70_000, "A short row?", /Line: 69001\n[^]*Found: 1/],
    ["a byte of Latin-1", 25_000, Buffer.from("größer?,7,a.png", "latin1"), /Line: 24001\n[^]*not utf-8/],
    ["a byte of Latin-1", 70_000, Buffer.from("größer?,7,a.png", "latin1"), /Line: 69001\n[^]*not utf-8/],
  ])("with %s near the end of its %i rows is an error that names the line", async (_, rows, line, found) => {
    for (const threads of [1, 2]) {
      const file = csv("faulty.csv", rows, line);
      const { error, records } = await read(file, { threads });
      // The longer one fails in the middle of the stream.
      if (rows === 70_000 && threads === 1) expect(records).toBeGreaterThan(0);
      expect(error).toMatchObject({
        code: "unreadable",
        file,
        found: expect.stringMatching(found),
        fix: expect.stringContaining("UTF-8"),
      });
    }
  });

  it("that loses its end while it is read is an error", async () => {
    const file = csv("shrinking.csv", 70_000);
    const { error } = await read(file, {}, (record) => {
      if (record === 0) truncateSync(file, 100_000);
    });
    expect(error).toMatchObject({ code: "unreadable", file });
  });
});

describe("a Parquet file", () => {
  const ROWS = 24_576;
  async function parquet(
    name: string,
    codec = "snappy",
    text = "'How many are in row ' || i || '? ' || md5(i::VARCHAR)",
    rows = ROWS,
  ): Promise<string> {
    const file = join(folder, name);
    await withDatabase({ threads: 1 }, (connection) =>
      connection.run(`COPY (SELECT ${text} AS question, i AS answer, 'a.png' AS image FROM range(${rows}) t(i))
        TO ${literal(file)} (FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE 2048)`),
    );
    return file;
  }

  it("gives all rows when nothing is wrong", async () => {
    const file = await parquet("sound.parquet");
    expect(await rowGroupCount(file)).toBe(12);
    expect(await read(file)).toEqual({ records: ROWS, error: null });
  });

  it.each(["snappy", "zstd", "uncompressed"])(
    "with a damaged page in any row group is an error (%s)",
    async (codec) => {
      const sound = await parquet(`sound-${codec}.parquet`, codec);
      for (const group of [0, 5, 11]) {
        for (const threads of [1, 2]) {
          const file = join(folder, `damaged-${codec}-${group}.parquet`);
          copyFileSync(sound, file);
          await damageRowGroup(file, group, "question");
          const { error } = await read(file, { threads });
          expect(error, `row group ${group}, ${threads} threads`).toMatchObject({
            code: "unreadable",
            file,
            fix: expect.stringContaining("copy or write the file again"),
          });
          expect(error?.found).not.toMatch(/ended early/);
        }
      }
    },
  );

  it("with a last row group that does not fit into memory is an error", async () => {
    // 20 texts of 4 MB behind 24,000 of a few bytes.
    const text = `CASE WHEN i < ${ROWS - 20} THEN 'short' ELSE repeat(md5(i::VARCHAR), 131072) END`;
    const file = await parquet("heavy.parquet", "snappy", text);
    const { error } = await read(file, { memoryLimit: "30MB", threads: 1 });
    expect(error).toMatchObject({ code: "unreadable", file, fix: expect.stringContaining("raise memoryLimit") });
    expect(await read(file, { memoryLimit: "2GB" })).toEqual({ records: ROWS, error: null });
  });

  it("that is cut off, replaced, removed or written again while it is read is an error", async () => {
    const other = await parquet("other.parquet", "snappy", "'another'", 5000);
    const faults: Record<string, (file: string) => void> = {
      cut: (file) => truncateSync(file, statSync(file).size >> 1),
      replaced: (file) => {
        copyFileSync(other, `${file}.new`);
        renameSync(`${file}.new`, file);
      },
      removed: (file) => rmSync(file),
      rewritten: (file) => copyFileSync(other, file),
    };
    mkdirSync(join(folder, "changing"));
    for (const [name, change] of Object.entries(faults)) {
      const file = await parquet(`changing/${name}.parquet`);
      const { error } = await read(file, { threads: 1 }, (record) => {
        if (record === 0) change(file);
      });
      expect(error, name).toMatchObject({ code: "unreadable", file });
    }
  });
});

describe("a JSON Lines file", () => {
  it("that loses whole lines while it is read is an error", async () => {
    const file = join(folder, "shrinking.jsonl");
    writeFileSync(
      file,
      Array.from({ length: 100_000 }, (_, i) => JSON.stringify({ question: `How many in ${i}?` })).join("\n"),
    );
    const { error } = await read(file, {}, (record) => {
      if (record === 0) writeFileSync(file, '{"question": "one"}\n');
    });
    expect(error).toMatchObject({ code: "unreadable", file });
  });
});
