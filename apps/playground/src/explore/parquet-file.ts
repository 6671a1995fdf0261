/** A Parquet file that a person chose, read row group by row group: no more of it is in memory than is asked for. */
import { DatasetError } from "@v-triune/schema";
import {
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type FileMetaData,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { columnsOf, type Column } from "./column-type";
import { notParquet, unreadable, type NamedFile } from "./file-kind";

/** Bytes of one column's block that are read at once: browsers hand out no larger buffers. */
const LARGEST_BLOCK = 1.5e9;

/** Rows that a file stores together. */
export interface RowGroup {
  readonly from: number;
  readonly to: number;
}

/** An open file. */
export interface ParquetFile {
  readonly path: string;
  readonly size: number;
  readonly rows: number;
  readonly groups: readonly RowGroup[];
  readonly columns: readonly Column[];
  /**
   * Rows of some columns, by name.
   *
   * @param without dotted path of a leaf that is not read, such as the bytes of pictures
   * @throws DatasetError `unreadable` for damaged pages, unknown codecs and blocks that are too large
   */
  read(columns: readonly string[], rows: RowGroup, without?: string): Promise<Record<string, unknown>[]>;
  /** Bytes of columns, not compressed. */
  bytes(columns: readonly string[]): number;
  /** Whether a leaf has a value wherever it may have one, in the rows of a group; false if the file does not tell. */
  isFull(group: RowGroup, leaf: string): boolean;
}

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Text is decoded strictly, and JSON stays text, as DuckDB does. */
const parsers = {
  stringFromBytes: (bytes: Uint8Array) => bytes && text.decode(bytes),
  jsonFromBytes: (bytes: Uint8Array) => bytes && text.decode(bytes),
};

/** @throws DatasetError `not-parquet` for another format or a file that was cut off */
export async function openParquet(file: NamedFile): Promise<ParquetFile> {
  const { path, blob } = file;
  const buffer: AsyncBuffer = { byteLength: blob.size, slice: (from, to) => blob.slice(from, to).arrayBuffer() };
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
  } catch (error) {
    throw await notParquet(file, error);
  }
  const groups: RowGroup[] = [];
  for (const { num_rows: rows } of metadata.row_groups) {
    const from = groups.at(-1)?.to ?? 0;
    groups.push({ from, to: from + Number(rows) });
  }
  const pruned = new Map<string, FileMetaData>();
  const metadataWithout = (leaf: string): FileMetaData => {
    const known = pruned.get(leaf) ?? withoutLeaf(metadata, leaf);
    pruned.set(leaf, known);
    return known;
  };
  return {
    path,
    size: blob.size,
    rows: groups.at(-1)?.to ?? 0,
    groups,
    columns: columnsOf(parquetSchema(metadata)),
    async read(columns, rows, without) {
      const known = without === undefined ? metadata : metadataWithout(without);
      if (columns.length === 0) return Array.from({ length: rows.to - rows.from }, () => ({}));
      assertBlocksFit(path, known, columns, rows);
      try {
        return await parquetReadObjects({
          file: buffer,
          metadata: known,
          columns: [...columns],
          rowStart: rows.from,
          rowEnd: rows.to,
          compressors,
          parsers,
          utf8: false,
          geoparquet: false,
        });
      } catch (cause) {
        if (cause instanceof DOMException) throw unreadable(path, cause);
        throw new DatasetError({
          code: "unreadable",
          file: path,
          expected: "rows that can be decoded",
          found: `rows ${rows.from} to ${rows.to - 1}: ${cause instanceof Error ? cause.message : String(cause)}`,
          fix: "copy or write the file again: it is damaged",
          cause,
        });
      }
    },
    bytes: (columns) =>
      metadata.row_groups
        .flatMap((group) => group.columns)
        .reduce(
          (sum, { meta_data: about }) =>
            about !== undefined && columns.includes(about.path_in_schema[0]!)
              ? sum + Number(about.total_uncompressed_size)
              : sum,
          0,
        ),
    isFull(group, leaf) {
      const chunk = metadata.row_groups[groups.indexOf(group)]?.columns.find(
        ({ meta_data: about }) => about?.path_in_schema.join(".") === leaf,
      );
      return chunk?.meta_data?.statistics?.null_count === 0n;
    },
  };
}

/** The footer of a file without one of its leaves, so that it is not read. */
function withoutLeaf(metadata: FileMetaData, leaf: string): FileMetaData {
  const schema: FileMetaData["schema"] = [];
  const copy = (at: number, path: readonly string[]): number => {
    const element = metadata.schema[at]!;
    const place = schema.push(element) - 1;
    let next = at + 1;
    let dropped = 0;
    for (let child = 0; child < (element.num_children ?? 0); child++) {
      const childPath = [...path, metadata.schema[next]!.name];
      if (childPath.join(".") === leaf) {
        dropped += 1;
        next += 1;
      } else next = copy(next, childPath);
    }
    if (dropped > 0) schema[place] = { ...element, num_children: element.num_children! - dropped };
    return next;
  };
  copy(0, []);
  const groups = metadata.row_groups.map((group) => ({
    ...group,
    columns: group.columns.filter(({ meta_data: about }) => about?.path_in_schema.join(".") !== leaf),
  }));
  return { ...metadata, schema, row_groups: groups };
}

function assertBlocksFit(file: string, metadata: FileMetaData, columns: readonly string[], rows: RowGroup): void {
  let from = 0;
  for (const group of metadata.row_groups) {
    const to = from + Number(group.num_rows);
    const isRead = from < rows.to && to > rows.from;
    for (const { meta_data: about } of isRead ? group.columns : []) {
      if (about === undefined || !columns.includes(about.path_in_schema[0]!)) continue;
      const bytes = Math.max(Number(about.total_compressed_size), Number(about.total_uncompressed_size));
      if (bytes <= LARGEST_BLOCK) continue;
      throw new DatasetError({
        code: "unreadable",
        file,
        field: about.path_in_schema[0],
        expected: `row groups of at most ${gigabytes(LARGEST_BLOCK)} per column`,
        found: `${gigabytes(bytes)} in rows ${from} to ${to - 1}`,
        fix: "write the file again with smaller row groups, as writeSamples does",
      });
    }
    from = to;
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
