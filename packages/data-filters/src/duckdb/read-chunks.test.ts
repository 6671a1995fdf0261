import { mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BOOLEAN, DuckDBScalarFunction } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDatabase, type Database } from "./database";
import { openQuery, plainRows, readChunks } from "./read-chunks";

/** Fails long after its first chunks. */
const LATE = "SELECT CASE WHEN i = 900000 THEN error('broken tooth') ELSE i END AS i FROM range(1000000) t(i)";

let database: Database;
let spill: string;
beforeEach(async () => {
  spill = mkdtempSync(join(tmpdir(), "read-chunks-"));
  database = await openDatabase({ threads: 2, memoryLimit: "100MB", tempDirectory: spill });
});
afterEach(() => {
  database.close();
  rmSync(spill, { recursive: true, force: true });
});

async function failureOf(
  sql: string,
  between: (rows: number) => Promise<unknown> | void = () => {},
): Promise<DatasetError> {
  let rows = 0;
  try {
    for await (const chunk of readChunks(database.connection, sql, { file: "a.parquet" }))
      await between((rows += chunk.rowCount));
  } catch (error) {
    expect(error).toBeInstanceOf(DatasetError);
    return error as DatasetError;
  }
  return expect.fail(`no error after ${rows} rows`);
}

describe("readChunks", () => {
  it("gives every row of a query once, in order", async () => {
    let next = 0;
    for await (const chunk of readChunks(database.connection, "SELECT i, [i, 1] AS list FROM range(10000) t(i)"))
      for (const row of plainRows(chunk)) expect(row).toEqual([next, [next++, 1]]);
    expect(next).toBe(10_000);
  });

  it("gives no chunk if there is no row, and still the names of the columns", async () => {
    const { columnNames, chunks } = await openQuery(database.connection, "SELECT 1 AS a, 2 AS b WHERE false");
    expect(columnNames).toEqual(["a", "b"]);
    for await (const chunk of chunks) expect.fail(`${chunk.rowCount} rows`);
  });

  it.each([1, 2, 8])(
    "throws DuckDB's message if the query fails after its first rows, on %i threads",
    async (threads) => {
      await database.connection.run(`SET threads = ${threads}`);
      let read = 0;
      const error = await failureOf(LATE, (rows) => void (read = rows));
      expect(error).toMatchObject({ code: "unreadable", file: "a.parquet", found: "broken tooth" });
      expect(read).toBeGreaterThan(0);
      expect((error.cause as Error).message).toContain("broken tooth");
    },
  );

  it("throws if the query fails before its first row, or is not valid", async () => {
    expect(await failureOf("SELECT error('no root')")).toMatchObject({ code: "unreadable", found: "no root" });
    expect((await failureOf("SELECT * FROM nowhere")).found).toMatch(/nowhere does not exist/);
  });

  it("throws if another query on its connection ends the stream", async () => {
    const error = await failureOf("SELECT i FROM range(200000) t(i)", () => database.connection.run("SELECT 1"));
    expect(error.found).toMatch(/ended early/);
  });

  it("throws if a second run of the query finds no fault", async () => {
    let seen = 0;
    let failed = false;
    database.connection.registerScalarFunction(
      DuckDBScalarFunction.create({
        name: "fails_once",
        returnType: BOOLEAN,
        volatile: true,
        mainFunction(info, chunk, output) {
          seen += chunk.rowCount;
          if (seen > 900_000 && !failed) {
            failed = true;
            info.setError("once");
          }
          for (let i = 0; i < chunk.rowCount; i++) output.setItem(i, true);
          output.flush();
        },
      }),
    );
    const error = await failureOf("SELECT i FROM range(1000000) t(i) WHERE fails_once()");
    expect(error).toMatchObject({ code: "unreadable", found: expect.stringMatching(/ended early.*a second run/) });
  });

  it("throws if the disk has no room for what does not fit into memory", async () => {
    await database.connection.run("SET memory_limit = '50MB'");
    await database.connection.run("SET max_temp_directory_size = '5MB'");
    const error = await failureOf(
      "SELECT i, repeat(md5(i::VARCHAR), 10) AS t FROM range(500000) t(i) ORDER BY hash(i)",
    );
    expect(error).toMatchObject({ code: "unreadable", expected: expect.stringContaining("disk space") });
    expect(error.found).toMatch(/max_temp_directory_size/);
  });

  it("throws if the data on the disk is lost", async () => {
    await database.connection.run("SET memory_limit = '70MB'");
    const sorted = "SELECT i, repeat(md5(i::VARCHAR), 10) AS t FROM range(400000) t(i) ORDER BY hash(i)";
    const error = await failureOf(sorted, (rows) => {
      if (rows > 2048) return;
      const files = readdirSync(spill);
      expect(files.length).toBeGreaterThan(0);
      for (const name of files) truncateSync(join(spill, name), 1000);
    });
    expect(error.code).toBe("unreadable");
  });

  it("ends with the signal's reason when it is aborted, without running the query again", async () => {
    const controller = new AbortController();
    const runs: string[] = [];
    const { connection } = database;
    const run = connection.run.bind(connection);
    connection.run = (sql, ...more) => (runs.push(sql), run(sql, ...more));
    const reading = async (): Promise<void> => {
      for await (const _ of readChunks(connection, "SELECT i FROM range(10000000) t(i)", {
        signal: controller.signal,
      })) {
        controller.abort(new Error("enough"));
        connection.interrupt();
      }
    };
    await expect(reading()).rejects.toThrow("enough");
    expect(runs).toEqual([]);
  });
});
