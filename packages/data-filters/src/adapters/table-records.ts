/**
 * Records of tabular files: Parquet (the Hugging Face export), JSON, JSON Lines, CSV and TSV. A picture inside a
 * Parquet file is spooled by the adapter that uses it.
 */
import { join } from "node:path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import { cellReader } from "../duckdb/cell-reader";
import { fileColumns } from "../duckdb/file-columns";
import { assertTable } from "../duckdb/file-head";
import { openQuery } from "../duckdb/read-chunks";
import { parquetScan } from "../duckdb/scan";
import { inlinePicture } from "../pictures/inline-picture";
import { assertUnchanged, fileState } from "../samples/file-state";
import type { PictureReference } from "../pictures/picture-reference";
import { ColumnCheck, type NeededColumns } from "./column-check";
import { csvTable, type QueriedTable } from "./csv-table";
import { WrittenNumber } from "./json-numbers";
import { jsonRecords } from "./json-records";
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
 * @param needed columns that the files must have. Default: none.
 * @throws DatasetError for a folder without such files, a column that they lack (before anything is read) and for
 *   damaged files
 */
export async function* tableRecords(
  context: AdapterContext,
  matches: RegExp,
  lookedFor: string,
  url?: string,
  needed: NeededColumns = { required: {}, named: {} },
): AsyncGenerator<TableRecord> {
  const files = filesBelow(context.folder, matches).map((relative) => join(context.folder, relative));
  if (files.length === 0) throw wrongLayout(context.folder, lookedFor, url);
  const columns = new ColumnCheck(needed);
  for (const file of files) await columns.checkFile(context, file);
  for (const file of files) {
    for await (const record of fileRecords(context, file, Object.values(needed.required))) {
      columns.see(record.value);
      yield record;
    }
  }
  columns.checkSeen(files[0] as string);
}

/**
 * Streams the records of one file. The ending of its name decides its format.
 *
 * @param wanted columns that tell the header of a CSV file from its rows
 * @throws DatasetError for a file that is damaged, does not fit into memory or changes while it is read
 */
export async function* fileRecords(
  context: AdapterContext,
  file: string,
  wanted: readonly string[] = [],
): AsyncGenerator<TableRecord> {
  assertTable(file);
  const before = fileState(file);
  try {
    if (/\.(csv|tsv)$/i.test(file)) {
      yield* queryRecords(context, file, await csvTable(context.connection, file, wanted));
    } else if (/\.parquet$/i.test(file)) {
      // The footer first: an error there means another format, an error later means damaged rows.
      const columns = await fileColumns(context.connection, file);
      yield* queryRecords(context, file, { sql: `SELECT * FROM ${parquetScan(file)}`, columns });
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
  const { field } = context.settings;
  let row = 0;
  for await (const { value } of jsonRecords(file, typeof field === "string" ? field : undefined)) {
    if (isRecord(value)) yield { file, row, value };
    else context.bad(new DatasetError({ code: "wrong-type", file, row, expected: "an object", found: shown(value) }));
    row++;
  }
}

async function* queryRecords(
  { connection, signal }: AdapterContext,
  file: string,
  { sql, columns }: QueriedTable,
): AsyncGenerator<TableRecord> {
  const { chunks } = await openQuery(connection, sql, { file, signal });
  // Of two columns of one name the first one counts.
  const readers = columns
    .map(({ name, type }, place) => ({ name, place, read: cellReader(type) }))
    .filter(({ name, place }) => columns.findIndex((column) => column.name === name) === place);
  let row = 0;
  for await (const chunk of chunks) {
    const vectors = columns.map((_, i) => chunk.getColumnVector(i));
    for (let i = 0; i < chunk.rowCount; i++, row++) {
      const value: Record<string, unknown> = {};
      for (const { name, place, read } of readers) value[name] = read(vectors[place]?.getItem(i));
      yield { file, row, value };
    }
  }
}

/**
 * The picture of a record's cell: bytes, a struct of bytes and path (Hugging Face), a path, a `file:` URL, a `data:`
 * URL or base64.
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
  if (typeof cell === "string") {
    const inline = inlinePicture(cell);
    return inline === null ? index.find(cell) : context.spool(inline, fallbackName);
  }
  if (!isRecord(cell)) return null;
  const path = [cell.path, cell.url, cell.image, cell.image_url].find(
    (one) => one !== null && one !== undefined && one !== "",
  );
  const name = typeof path === "string" && inlinePicture(path) === null ? path : fallbackName;
  if (cell.bytes instanceof Uint8Array) return context.spool(cell.bytes, name);
  if (typeof cell.bytes === "string" && cell.bytes !== "") return pictureOf(cell.bytes, context, index, name);
  return pictureOf(path, context, index, fallbackName);
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
 * A cell as text: numbers and booleans as they are written, null when the cell has no text. NaN is pandas' missing
 * number.
 *
 * ```ts
 * textOf(3.5) // "3.5"
 * ```
 */
export function textOf(cell: unknown): string | null {
  if (typeof cell === "string") return cell;
  if (typeof cell === "number") return Number.isNaN(cell) ? null : String(cell);
  if (typeof cell === "boolean" || typeof cell === "bigint") return String(cell);
  return cell instanceof WrittenNumber ? cell.text : null;
}

/** A cell as a finite number, or null. */
export function numberOf(cell: unknown): number | null {
  const value = typeof cell === "bigint" || cell instanceof WrittenNumber ? Number(cell) : cell;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A cell for the `found` of an error. */
export function shown(cell: unknown): string {
  const text = JSON.stringify(cell ?? null, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * Text of a required cell.
 *
 * @throws DatasetError naming the field, for `context.bad`
 */
export function requiredText(record: TableRecord, field: string): string {
  const value = record.value[field];
  const text = textOf(value);
  if (text !== null && text.trim() !== "") return text;
  const isMissing = value === undefined || value === null || value === "" || typeof value === "number";
  throw new DatasetError({
    code: isMissing ? "missing-field" : "wrong-type",
    file: record.file,
    row: record.row,
    field,
    expected: "text or a number",
    found: foundIn(record, value),
  });
}

function foundIn(record: TableRecord, value: unknown): string {
  if (value === undefined)
    return `nothing; the record has ${Object.keys(record.value).slice(0, 12).join(", ") || "no fields"}`;
  if (value === null) return "nothing";
  if (typeof value === "string") return "empty text";
  return typeof value === "number" ? "NaN, a missing number" : "a list or struct";
}

/** The id of a record that its owner gave none: the file, relative to the source's folder, and the row. */
export function recordId(context: Pick<AdapterContext, "folder">, record: Pick<TableRecord, "file" | "row">): string {
  const folder = context.folder.replace(/\/$/, "");
  const file = record.file.startsWith(`${folder}/`) ? record.file.slice(folder.length + 1) : record.file;
  return `${file.replace(/\.\w+$/, "")}/${record.row}`;
}

/**
 * Runs `make` on each record; a record whose `make` throws a DatasetError is reported as bad and left out.
 *
 * @param idOf the owner's id of a record, for the report of a bad one. Default: none.
 */
export async function* eachRecord<T>(
  context: AdapterContext,
  records: AsyncIterable<TableRecord>,
  make: (record: TableRecord) => T | readonly T[] | null,
  idOf: (record: TableRecord) => string | null = () => null,
): AsyncGenerator<T> {
  for await (const record of records) {
    context.signal?.throwIfAborted();
    let rows: T | readonly T[] | null;
    try {
      rows = make(record);
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      context.bad(error, idOf(record) ?? undefined);
      continue;
    }
    if (rows === null) continue;
    if (Array.isArray(rows)) yield* rows as readonly T[];
    else yield rows as T;
  }
}
