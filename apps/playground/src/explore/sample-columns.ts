/**
 * Brings rows of a Parquet file into the layout of corpus files, by the rules of `readSamples` of
 * `@v-triune/data-filters`, which has them as SQL: missing leaves become null, additional ones are left out, whole
 * numbers are accepted for text and all numbers for ratios. A column of another type is an error, unless it has no
 * value in any row.
 */
import {
  expectedOf,
  FULL_LAYOUT,
  keyOfFolder,
  missingColumn,
  wrongType,
  type LayoutNode,
} from "@v-triune/data-filters/browser";
import { isRecord } from "@v-triune/node-kit/is-record";
import { type DatasetError, SAMPLE_COLUMNS } from "@v-triune/schema";
import type { Column, ColumnType } from "./column-type";
import type { ParquetFile } from "./parquet-file";

/** Makes a leaf or a branch of a sample from a value of the file. */
type Read = (value: unknown) => unknown;

/** How samples are read from the rows of one file. */
export interface SampleColumns {
  /** Columns of the file that are read. */
  readonly names: readonly string[];
  /** Path of the pictures' bytes in the Parquet schema; undefined if they cannot be left out. */
  readonly bytesLeaf: string | undefined;
  /** A row in the layout, not checked. */
  record(row: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

/** A column that must have no value, and what is said if it has one. */
interface EmptyColumn {
  readonly column: string;
  readonly error: DatasetError;
  readonly isRequired: boolean;
  hasValue(row: Readonly<Record<string, unknown>>): boolean;
}

/** @throws DatasetError for the first column that is missing or has a type that is not accepted */
export async function sampleColumns(file: ParquetFile): Promise<SampleColumns> {
  const empty: EmptyColumn[] = [];
  const readers: (readonly [name: string, read: Read])[] = [];
  for (const name of SAMPLE_COLUMNS) {
    const node = FULL_LAYOUT[name]!;
    const column = file.columns.find((one) => one.name === name);
    if (column !== undefined) {
      const walk = new Walk(file.path, name, empty);
      readers.push([name, walk.reader({ type: column.type, node, field: name, values: (row) => [row[name]] })]);
      continue;
    }
    const key = "leaf" in node ? keyOfFolder(file.path, name) : undefined;
    if (key === undefined && node.required)
      throw missingColumn(
        { file: file.path, field: name },
        file.columns.map((one) => one.name),
      );
    readers.push([name, () => key ?? null]);
  }
  await assertEmpty(file, empty);
  return {
    names: SAMPLE_COLUMNS.filter((name) => file.columns.some((column) => column.name === name)),
    bytesLeaf: bytesLeaf(file.columns),
    record: (row) => Object.fromEntries(readers.map(([name, read]) => [name, read(row[name])])),
  };
}

/** A type of the file and its place in the layout. */
interface Place {
  readonly type: ColumnType;
  readonly node: LayoutNode;
  /** Dotted path of the leaf. */
  readonly field: string;
  /** All values that a row has in this place. */
  readonly values: (row: Readonly<Record<string, unknown>>) => readonly unknown[];
}

/** Goes down one column of the file and the layout side by side. */
class Walk {
  readonly #file: string;
  readonly #column: string;
  readonly #empty: EmptyColumn[];

  constructor(file: string, column: string, empty: EmptyColumn[]) {
    this.#file = file;
    this.#column = column;
    this.#empty = empty;
  }

  reader(place: Place): Read {
    const { type, node, field, values } = place;
    if ("leaf" in node) return (type.kind === "leaf" ? leafReader(type.of, node) : undefined) ?? this.#none(place);
    if ("list" in node) {
      if (type.kind !== "list") return this.#none(place);
      const items: Place["values"] = (row) =>
        values(row).flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : []));
      const read = this.reader({ type: type.item, node: node.list, field, values: items });
      return (value) => (Array.isArray(value) ? value.map(read) : null);
    }
    if (type.kind !== "struct") return this.#none(place);
    const leaves = Object.entries(node.record).map(([key, child]): readonly [string, Read] => {
      const path = `${field}.${key}`;
      const found = type.fields.find(({ name }) => name === key);
      if (found === undefined) {
        if (child.required)
          throw missingColumn(
            { file: this.#file, field: path },
            type.fields.map(({ name }) => name),
          );
        return [key, () => null];
      }
      const inside: Place["values"] = (row) => values(row).map((value) => (isRecord(value) ? value[key] : undefined));
      return [key, this.reader({ type: found.type, node: child, field: path, values: inside })];
    });
    return (value) =>
      isRecord(value) ? Object.fromEntries(leaves.map(([key, read]) => [key, read(value[key])])) : null;
  }

  /** Null for a value of a wrong type, if no row has one. */
  #none({ type, node, field, values }: Place): Read {
    if (type.kind === "leaf" && type.of === "null") return () => null;
    this.#empty.push({
      column: this.#column,
      error: wrongType({ file: this.#file, field }, expectedOf(node), type.name),
      isRequired: node.required === true,
      hasValue: (row) => values(row).some((value) => value !== null && value !== undefined),
    });
    return () => null;
  }
}

async function assertEmpty(file: ParquetFile, empty: readonly EmptyColumn[]): Promise<void> {
  const required = empty.find(({ isRequired }) => isRequired && file.rows > 0);
  if (empty.length === 0) return;
  const columns = [...new Set(empty.map(({ column }) => column))];
  const found = new Set<EmptyColumn>(required === undefined ? [] : [required]);
  for (const group of file.groups)
    for (const row of await file.read(columns, group))
      for (const one of empty) if (!found.has(one) && one.hasValue(row)) found.add(one);
  const first = empty.find((one) => found.has(one));
  if (first !== undefined) throw first.error;
}

function leafReader(kind: string, node: Extract<LayoutNode, { readonly leaf: unknown }>): Read | undefined {
  const some =
    (read: Read): Read =>
    (value) =>
      value === null || value === undefined ? null : read(value);
  switch (node.leaf) {
    case "text":
      if (kind === "text") return some(String);
      if (kind === "integer") return some(String);
      return node.isId === true && kind === "float" ? some((value) => floatAsId(Number(value))) : undefined;
    case "number":
      return kind === "float" || kind === "integer" || kind === "decimal" ? some(Number) : undefined;
    case "boolean":
      return kind === "boolean" ? some((value) => value) : undefined;
    default:
      return kind === "bytes" ? some((value) => value) : undefined;
  }
}

/** 7.0 is the id 7; NaN stands for a missing id. */
function floatAsId(value: number): string | null {
  if (Number.isNaN(value)) return null;
  return Number.isInteger(value) && Math.abs(value) < 1e18 ? BigInt(value).toString() : String(value);
}

/**
 * The Parquet path of the pictures' bytes, if pictures have another leaf, by which they can be counted without them.
 */
function bytesLeaf(columns: readonly Column[]): string | undefined {
  const images = columns.find(({ name }) => name === "images")?.type;
  if (images?.kind !== "list" || images.item.kind !== "struct") return undefined;
  const names = images.item.fields.map(({ name }) => name);
  return names.length > 1 && names.includes("bytes")
    ? images.item.fields.find(({ name }) => name === "bytes")?.path
    : undefined;
}
