/**
 * Runs that meet a fault after their first rows: nothing is lost in silence, and nothing is left under a final name.
 */
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sourceInfo } from "@v-triune/schema";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cocoAdapter } from "../adapters/coco-layout";
import type { SourceRow } from "../adapters/source-adapter";
import { literal, openDatabase, queryRows, withDatabase, type Database } from "../duckdb/database";
import { PictureSpool } from "../pictures/picture-reference";
import type { FilterRule } from "../rules/filter-rule";
import { computeTexts } from "../rules/text-needs";
import { mountSmallDisk, damageRowGroup, databaseFailingAfter } from "../testing/faults";
import { tinyPng } from "../testing/fixtures";
import { TextWorkers } from "../workers/text-workers";
import type { CurationConfig } from "./config";
import { curate } from "./curate";
import { exampleRows } from "./example-rows";
import { inspectRows } from "./inspect-rows";
import { keptRows } from "./kept-rows";
import type { CurationReport } from "./report";
import { addRollouts } from "./add-rollouts";
import { RowTable } from "../tables/row-table";
import { splitRows } from "./split-rows";

let root: string;
let picture: Buffer;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "lost-rows-"));
  picture = await tinyPng(48, 32, 1);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function failure(work: Promise<unknown>): Promise<Record<string, unknown>> {
  return work.then(
    () => expect.fail("it did not throw"),
    (error: Record<string, unknown>) => error,
  );
}

function folderWithPicture(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "a.png"), picture);
  return folder;
}

describe("curate", () => {
  let out: string;
  afterEach(() => rmSync(out, { recursive: true, force: true }));

  function config(folder: string, more: Partial<CurationConfig> = {}): CurationConfig {
    out = `${folder}-out`;
    const settings = { task: "math", name: "mine", columns: {} };
    return { sources: [{ source: "table", path: folder, settings }], output: out, rules: ["answer-length"], ...more };
  }

  async function expectNothingLeft(run: Promise<CurationReport>, error: object): Promise<void> {
    expect(await failure(run)).toMatchObject({ name: "DatasetError", ...error });
    expect(readdirSync(root).filter((name) => name.includes("-out"))).toEqual([]);
  }

  it.each<[string, string | Buffer, RegExp]>([
    ["a comma too many", "A late, ragged row?,7,a.png", /Line: 24001\n/],
    ["a byte of Latin-1", Buffer.from("größer?,7,a.png", "latin1"), /not utf-8/],
  ])("stops at a late line of a CSV file with %s", async (_, line, found) => {
    const folder = folderWithPicture("csv");
    const lines = [
      "question,answer,image",
      ...Array.from({ length: 25_000 }, (_, i) => `How many in row ${i}?,${i},a.png`),
    ].map((text, i) => (i === 24_000 ? Buffer.from(line) : Buffer.from(text)));
    const file = join(folder, "q.csv");
    writeFileSync(file, Buffer.concat(lines.flatMap((one) => [one, Buffer.from("\n")])));
    await expectNothingLeft(curate(config(folder)), { code: "unreadable", file, found: expect.stringMatching(found) });
  });

  it.each([0, 6, 11])("stops at a damaged page in row group %i of a Parquet file", async (group) => {
    const folder = folderWithPicture(`parquet-${group}`);
    const file = join(folder, "q.parquet");
    await withDatabase({ threads: 1 }, (connection) =>
      connection.run(`COPY (
          SELECT 'How many are in row ' || i || '?' AS question, i AS answer, 'a.png' AS image FROM range(24576) t(i)
        ) TO ${literal(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`),
    );
    await damageRowGroup(file, group, "question");
    await expectNothingLeft(curate(config(folder)), { code: "unreadable", file });
  });

  it("stops at a late row group that does not fit into memory", async () => {
    const folder = folderWithPicture("heavy");
    const file = join(folder, "q.parquet");
    const text = "CASE WHEN i < 24556 THEN 'short?' ELSE repeat(md5(i::VARCHAR), 131072) END";
    await withDatabase({ threads: 1 }, (connection) =>
      connection.run(
        `COPY (SELECT ${text} AS question, i AS answer FROM range(24576) t(i))
         TO ${literal(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
      ),
    );
    await expectNothingLeft(curate(config(folder, { memoryLimit: "40MB", threads: 1 })), {
      code: "unreadable",
      file,
      fix: expect.stringContaining("raise memoryLimit"),
    });
  });

  it("stops when the rollouts that a rule reads are damaged late", async () => {
    const folder = folderWithPicture("rolled");
    writeFileSync(
      join(folder, "q.jsonl"),
      JSON.stringify({ id: "1", question: "How many?", answer: "3", image: "a.png" }),
    );
    const rollouts = join(root, "rollouts.parquet");
    await withDatabase({ threads: 1 }, (connection) =>
      connection.run(`COPY (
          SELECT 'mine' AS source, '1' AS id, 'it is \\boxed{' || i || '}' AS response FROM range(24576) t(i)
        ) TO ${literal(rollouts)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`),
    );
    await damageRowGroup(rollouts, 11, "response");
    await expectNothingLeft(curate(config(folder, { rules: ["difficulty"], rollouts })), {
      code: "unreadable",
      file: rollouts,
    });
  });

  it("stops when the disk is full, and leaves nothing on it", async (context) => {
    const disk = join(root, "disk");
    const { fault, unmount } = mountSmallDisk(disk, 4);
    if (fault !== undefined) context.skip(fault);
    try {
      const folder = folderWithPicture("large");
      const row = (i: number): string =>
        JSON.stringify({ question: randomBytes(4000).toString("hex"), answer: `${i}`, image: "a.png" });
      writeFileSync(join(folder, "q.jsonl"), Array.from({ length: 3000 }, (_, i) => row(i)).join("\n"));
      // Once the corpus does not fit, once what DuckDB moves out of memory.
      for (const memoryLimit of ["2GB", "10MB"]) {
        const run = curate({ ...config(folder, { memoryLimit }), output: join(disk, "corpus") });
        expect(await failure(run)).toMatchObject({ code: "write-failed", fix: expect.stringContaining("free space") });
        expect(readdirSync(disk)).toEqual([]);
      }
    } finally {
      unmount();
    }
  });

  it("refuses a result whose counts do not add up, and names the source", async () => {
    const folder = folderWithPicture("counts");
    writeFileSync(
      join(folder, "q.jsonl"),
      [1, 2, 3].map((answer) => JSON.stringify({ question: "How many?", answer, image: "a.png" })).join("\n"),
    );
    // It breaks the contract of a set rule: it gives each row twice.
    const twice: FilterRule = {
      name: "twice",
      reason: "it is counted twice",
      scope: "set",
      query: true,
      parameters: {},
      sql: ({ relation }) =>
        `SELECT row FROM ${relation} WHERE answer = '2' UNION ALL SELECT row FROM ${relation} WHERE answer = '2'`,
    };
    await expectNothingLeft(curate(config(folder, { rules: [twice] })), {
      code: "row-count",
      file: out,
      found: "mine: 3 read, but 2 kept, 2 dropped, 0 unreadable",
    });
  });

  it("counts records that cannot be used, so that the sum is that of the records", async () => {
    const folder = folderWithPicture("sum");
    const records = Array.from({ length: 500 }, (_, i) =>
      i % 50 === 3
        ? { question: "", answer: "1" }
        : { question: "How many?", answer: i % 7 === 0 ? "x".repeat(200) : `${i}`, image: "a.png" },
    );
    writeFileSync(join(folder, "q.jsonl"), records.map((record) => JSON.stringify(record)).join("\n"));
    const { totals } = await curate(config(folder));
    expect(totals).toMatchObject({ read: 500, unreadable: 10 });
    expect(totals.kept + totals.dropped + totals.unreadable).toBe(500);
  });
});

describe("a query of a run that fails after its first rows", () => {
  const ROWS = 40_000;
  let database: Database;
  let work: string;
  beforeAll(async () => {
    work = mkdtempSync(join(root, "work-"));
    copyFileSync(join(folderWithPicture("pictures"), "a.png"), join(work, "a.png"));
    database = await openDatabase({ threads: 2 });
    const table = await RowTable.create(database.writer);
    const pictures = [{ name: "a.png", file: join(work, "a.png") }];
    for (let i = 0; i < ROWS; i++)
      table.add(
        { id: `${i}`, question: `How many are in picture number ${i.toString(26)}?`, answer: `${i}`, pictures },
        sourceInfo("geometry3k"),
        i % 2,
      );
    table.close();
    const { connection } = database;
    await connection.run("CREATE VIEW alive AS SELECT * FROM rows");
    await connection.run("CREATE TABLE dropped(row BIGINT, rule INTEGER)");
    await connection.run("CREATE TABLE split(row BIGINT, test BOOLEAN)");
  });
  afterAll(() => database.close());

  /** Reads with a connection whose streams fail after 30,000 rows. */
  async function failing(read: (faulty: Database) => Promise<unknown>, after = 30_000): Promise<void> {
    const error = await failure(read(databaseFailingAfter(database, after)));
    expect(error).toMatchObject({
      name: "DatasetError",
      code: "unreadable",
      found: expect.stringContaining("the disk fell out"),
    });
  }

  it("stops the reading of the kept rows", () =>
    failing(async ({ connection }) => {
      for await (const _ of keptRows(connection, { split: "train", parts: [0, 1] })) {
        // The fault comes after the first rows.
      }
    }));

  it("stops the drawing of example rows", async () => {
    await failing(({ connection }) => exampleRows(connection, [], 0, 20_000), 10_000);
  });

  it("stops the computing of texts, in this thread and in workers", async () => {
    const workers = new TextWorkers(2);
    try {
      await failing((faulty) => computeTexts(faulty, "verified", "rows", workers, undefined));
      await failing(
        (faulty) => computeTexts(faulty, "verified", "(SELECT * FROM rows LIMIT 3000)", workers, undefined),
        2500,
      );
    } finally {
      await workers.close();
    }
  });

  it("stops the judging of rollouts", async () => {
    const file = join(root, "all-rollouts.parquet");
    await database.connection.run(
      `COPY (SELECT source, id, 0.5::DOUBLE AS accuracy FROM rows) TO ${literal(file)} (FORMAT parquet)`,
    );
    const workers = new TextWorkers(2);
    try {
      // The file of rollouts is streamed first, and read whole.
      await failing(
        (faulty) =>
          addRollouts(faulty, "rows", {
            files: [file],
            dataSources: new Map([["geometry3k", "geometry3k"]]),
            workers,
            blind: false,
          }),
        ROWS + 30_000,
      );
    } finally {
      await workers.close();
    }
  });

  it("stops the inspection of pictures", async () => {
    const spool = new PictureSpool(join(work, "pictures.bin"));
    await failing((faulty) => inspectRows(faulty, "rows", { hash: false, spool }));
    spool.close();
  });

  it("stops the split", async () => {
    await database.connection.run("CREATE VIEW looked AS SELECT *, '' AS picture_digest FROM rows");
    await failing((faulty) => splitRows(faulty, "looked", { test: 0.1, seed: 0 }));
  });

  it("stops the reading of COCO's layout", async () => {
    const folder = join(root, "coco");
    mkdirSync(folder);
    const images = Array.from({ length: ROWS }, (_, id) => ({ id, file_name: "a.png", width: 48, height: 32 }));
    writeFileSync(join(folder, "instances_a.json"), JSON.stringify({ images, annotations: [], categories: [] }));
    const adapter = cocoAdapter(sourceInfo("object365"), /instances/, "picture");
    await failing(async ({ connection }) => {
      const rows: SourceRow[] = [];
      const bad = (error: Error): never => {
        throw error;
      };
      for await (const row of adapter.read({
        folder,
        connection,
        settings: {},
        spool: () => ({ name: "", file: "" }),
        bad,
      }))
        rows.push(row);
      return rows;
    });
  });

  it("leaves the rows as they were", async () => {
    const [count] = await queryRows(database.connection, "SELECT count(*) AS n FROM rows");
    expect(count).toEqual({ n: ROWS });
    expect(existsSync(join(work, "a.png"))).toBe(true);
  });
});
