/**
 * Faults for tests: files with damage after their first rows, and queries that fail after their first rows. Not
 * exported.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { BOOLEAN, DuckDBScalarFunction, type DuckDBConnection } from "@duckdb/node-api";
import { literal, queryRows, withDatabase, type Database } from "../duckdb/database";

/** Makes one column of one row group of a Parquet file undecodable. The footer stays as it is. */
export async function damageRowGroup(file: string, rowGroup: number, column: string): Promise<void> {
  const [chunk] = await withDatabase({}, (connection) =>
    queryRows(
      connection,
      `SELECT coalesce(nullif(dictionary_page_offset, 0), data_page_offset) AS start, total_compressed_size AS size
       FROM parquet_metadata(${literal(file)})
       WHERE row_group_id = ${rowGroup} AND path_in_schema = ${literal(column)}`,
    ),
  );
  if (chunk === undefined) throw new Error(`${file} has no column ${column} in row group ${rowGroup}`);
  const bytes = Buffer.alloc(Number(chunk.size));
  const handle = openSync(file, "r+");
  try {
    readSync(handle, bytes, 0, bytes.length, Number(chunk.start));
    writeSync(
      handle,
      bytes.map((byte) => byte ^ 0x5a),
      0,
      bytes.length,
      Number(chunk.start),
    );
  } finally {
    closeSync(handle);
  }
}

/**
 * Renames a column or field of a Parquet file to a name of the same length. DuckDB itself writes no names that differ
 * only in case.
 */
export function renameColumn(file: string, from: string, to: string): void {
  const bytes = readFileSync(file);
  const name = Buffer.from(from);
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) bytes.write(to, at);
  writeFileSync(file, bytes);
}

/** The number of row groups of a Parquet file. */
export async function rowGroupCount(file: string): Promise<number> {
  const [meta] = await withDatabase({}, (connection) =>
    queryRows(connection, `SELECT num_row_groups AS n FROM parquet_file_metadata(${literal(file)})`),
  );
  return Number(meta?.n);
}

/**
 * A connection whose streamed queries fail in DuckDB after `rows` rows. They fail above their ORDER BY, when the first
 * rows have been read. EXPLAIN ANALYZE, which runs a failed stream again, fails, too; all other statements run as
 * usual.
 */
export function failingAfter(connection: DuckDBConnection, rows: number): DuckDBConnection {
  const name = `is_readable_${randomBytes(4).toString("hex")}`;
  let seen = 0;
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name,
      returnType: BOOLEAN,
      volatile: true,
      mainFunction(info, chunk, output) {
        seen += chunk.rowCount;
        if (seen > rows) info.setError("the disk fell out");
        for (let i = 0; i < chunk.rowCount; i++) output.setItem(i, true);
        output.flush();
      },
    }),
  );
  const faulty = (sql: string): string => `SELECT * FROM (${sql}) WHERE ${name}()`;
  return new Proxy(connection, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function") return member;
      const call = member.bind(target) as (...values: unknown[]) => unknown;
      if (property === "stream") return (sql: string) => call(faulty(sql));
      if (property === "run")
        return (sql: string) =>
          call(sql.replace(/^EXPLAIN ANALYZE ([^]*)$/, (_, query: string) => `EXPLAIN ANALYZE ${faulty(query)}`));
      return call;
    },
  });
}

/** A disk of a few megabytes, or why it cannot be mounted here. `unmount` it after the test. */
export function mountSmallDisk(folder: string, megabytes: number): { readonly fault?: string; unmount(): void } {
  mkdirSync(folder, { recursive: true });
  const options = ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder];
  const { status, stderr, error } = spawnSync("/bin/mount", options, { encoding: "utf8" });
  if (status !== 0) {
    const fault = `a small disk cannot be mounted here (needs Linux and root): ${stderr ?? String(error)}`;
    return { fault, unmount: () => undefined };
  }
  return { unmount: () => void spawnSync("/bin/umount", [folder]) };
}

/** A database with such a connection. */
export function databaseFailingAfter(database: Database, rows: number): Database {
  return { ...database, connection: failingAfter(database.connection, rows) };
}
