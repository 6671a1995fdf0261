/**
 * Records of tabular files: Parquet (the Hugging Face export), JSON, JSON Lines, CSV and TSV. A picture inside a
 * Parquet file is spooled by the adapter that uses it.
 */
import { join } from "node:path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import { literal, plain } from "../duckdb/database";
import { openQuery } from "../duckdb/read-chunks";
import { assertUnchanged, fileState } from "../samples/file-state";
import { parquetColumns } from "../samples/parquet-files";
import type { PictureReference } from "../pictures/picture-reference";
import { csvQuery } from "./csv-query";
import { jsonRecords } from "./json-stream";
import type { AdapterContext } from "./source-adapter";
import { filesBelow, wrongLayout, type PictureIndex } from "./source-files";

/** A record and its place. */
export interface TableRecord {
  readonly file: string;
  readonly row: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Streams the records of every matching file below the source's folder, files by name.
 *
 * @param lookedFor what the error says if no file matches
 * @throws DatasetError for a folder without such files and for damaged files
 */
export async function* tableRecords(
  context: AdapterContext,
  matches: RegExp,
  lookedFor: string,
  url?: string,
): AsyncGenerator<TableRecord> {
  const files = filesBelow(context.folder, matches);
  if (files.length === 0) throw wrongLayout(context.folder, lookedFor, url);
  for (const relative of files) yield* fileRecords(context, join(context.folder, relative));
}

/**
 * Streams the records of one file. The ending of its name decides its format.
 *
 * @throws DatasetError for a file that is damaged, does not fit into memory or changes while it is read
 */
export async function* fileRecords(context: AdapterContext, file: string): AsyncGenerator<TableRecord> {
  const before = fileState(file);
  try {
    if (/\.(csv|tsv)$/i.test(file)) {
      yield* queryRecords(context, file, await csvQuery(context.connection, file));
    } else if (/\.parquet$/i.test(file)) {
      // The footer first: an error there means another format, an error later means damaged rows.
      await parquetColumns(context.connection, file);
      yield* queryRecords(context, file, `SELECT * FROM read_parquet(${literal(file)})`);
    } else {
      yield* jsonTable(context, file);
    }
  } catch (error) {
    assertUnchanged(file, before, error);
    throw error;
  }
  assertUnchanged(file, before);
}

async function* jsonTable(context: AdapterContext, file: string): AsyncGenerator<TableRecord> {
  let row = 0;
  for await (const { value } of jsonRecords(file)) {
    if (isRecord(value)) yield { file, row, value };
    else
      context.bad(
        new DatasetError({ code: "wrong-type", file, row, expected: "an object", found: JSON.stringify(value) }),
      );
    row++;
  }
}

async function* queryRecords(context: AdapterContext, file: string, sql: string): AsyncGenerator<TableRecord> {
  const { connection, signal } = context;
  const { columnNames, chunks } = await openQuery(connection, sql, { file, signal });
  let row = 0;
  for await (const chunk of chunks) {
    const vectors = columnNames.map((_, i) => chunk.getColumnVector(i));
    for (let i = 0; i < chunk.rowCount; i++, row++) {
      const value: Record<string, unknown> = {};
      for (const [column, name] of columnNames.entries()) value[name] = plain(vectors[column]?.getItem(i));
      yield { file, row, value };
    }
  }
}

/**
 * The picture of a record's cell: bytes, a struct of bytes and path (Hugging Face), or a path.
 *
 * @param fallbackName name of a picture that has none
 * @returns null for an empty cell
 */
export function pictureOf(
  cell: unknown,
  context: AdapterContext,
  index: PictureIndex,
  fallbackName: string,
): PictureReference | null {
  if (cell === null || cell === undefined || cell === "") return null;
  if (cell instanceof Uint8Array) return context.spool(cell, fallbackName);
  if (typeof cell === "string") return index.find(cell);
  if (isRecord(cell)) {
    const name = typeof cell.path === "string" && cell.path !== "" ? cell.path : fallbackName;
    if (cell.bytes instanceof Uint8Array) return context.spool(cell.bytes, name);
    return name === fallbackName ? null : index.find(name);
  }
  return null;
}

/** A cell with one picture or a list of them. */
export function picturesOf(
  cell: unknown,
  context: AdapterContext,
  index: PictureIndex,
  fallbackName: string,
): PictureReference[] {
  const cells = Array.isArray(cell) ? cell : [cell];
  const pictures: PictureReference[] = [];
  for (const [i, one] of cells.entries()) {
    const picture = pictureOf(one, context, index, cells.length > 1 ? `${fallbackName}-${i}` : fallbackName);
    if (picture !== null) pictures.push(picture);
  }
  return pictures;
}

/**
 * A cell as text: numbers and booleans as they are written, null when the cell has no text.
 *
 * ```ts
 * textOf(3.5) // "3.5"
 * ```
 */
export function textOf(cell: unknown): string | null {
  if (typeof cell === "string") return cell;
  if (typeof cell === "number" || typeof cell === "boolean" || typeof cell === "bigint") return String(cell);
  return null;
}

/**
 * Text of a required cell.
 *
 * @throws DatasetError naming the field, for `context.bad`
 */
export function requiredText(record: TableRecord, field: string): string {
  const text = textOf(record.value[field]);
  if (text !== null && text.trim() !== "") return text;
  const value = record.value[field];
  throw new DatasetError({
    code: value === undefined || value === null || value === "" ? "missing-field" : "wrong-type",
    file: record.file,
    row: record.row,
    field,
    expected: "text or a number",
    found:
      value === undefined || value === null ? "nothing" : typeof value === "string" ? "empty text" : "a list or struct",
  });
}

/** The id of a record that its owner gave none: the file, relative to the source's folder, and the row. */
export function recordId(context: AdapterContext, record: TableRecord): string {
  const folder = context.folder.replace(/\/$/, "");
  const file = record.file.startsWith(`${folder}/`) ? record.file.slice(folder.length + 1) : record.file;
  return `${file.replace(/\.\w+$/, "")}/${record.row}`;
}

/** Runs `make` on each record; a record whose `make` throws a DatasetError is reported as bad and left out. */
export async function* eachRecord<T>(
  context: AdapterContext,
  records: AsyncIterable<TableRecord>,
  make: (record: TableRecord) => T | readonly T[] | null,
): AsyncGenerator<T> {
  for await (const record of records) {
    context.signal?.throwIfAborted();
    let rows: T | readonly T[] | null;
    try {
      rows = make(record);
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      context.bad(error);
      continue;
    }
    if (rows === null) continue;
    if (Array.isArray(rows)) yield* rows as readonly T[];
    else yield rows as T;
  }
}
