import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, expect, it } from "vitest";
import { findParquet, readParquetRows } from "./parquet-rows";

const root = mkdtempSync(join(tmpdir(), "benchmark-rows-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function write(folder: string, answer: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const file = join(folder, "test[1].parquet").replaceAll("'", "''");
  await connection.run(
    `COPY (SELECT '${answer}' AS answer, {'bytes': 'abc'::BLOB, 'path': 'x.png'} AS image) TO '${file}' (FORMAT parquet)`,
  );
  connection.closeSync();
}

it("reads the file that is named, below folders whose names look like a glob or a key", async () => {
  const folder = join(root, "answer=7", "a[1]*{b}");
  await write(folder, "own");
  // What `a[1]*{b}` matches as a glob.
  await write(join(root, "answer=7", "a1x{b}"), "other");
  const [row, ...others] = await readParquetRows(
    folder,
    findParquet(folder, () => true),
    ["answer", "image"],
  );
  expect(others).toEqual([]);
  expect(row?.values).toEqual({ answer: "own" });
  expect(Buffer.from((await row?.picture("image")) ?? []).toString()).toBe("abc");
});
