/**
 * Values of a file's columns as plain JavaScript values, by the types of the file: float32 numbers as they were
 * written, and structs with the names of the file.
 */
import { DuckDBTypeId } from "@duckdb/node-api";
import { plain } from "./database";
import type { FileType } from "./file-columns";

/** Reads one value of a column. */
export type CellReader = (value: unknown) => unknown;

/** The reader for a type. */
export function cellReader(type: FileType): CellReader {
  if (isPlain(type)) return plain;
  if (type.kind === "leaf") return (value) => (typeof value === "number" ? shortestFloat(value) : plain(value));
  if (type.kind === "list") {
    const read = cellReader(type.item);
    return (value) => (itemsOf(value) ?? null)?.map(read) ?? null;
  }
  const fields = type.fields.map(({ name, sqlName, type: of }) => ({ name, sqlName, read: cellReader(of) }));
  return (value) => {
    const entries = (value as { entries?: Readonly<Record<string, unknown>> } | null)?.entries;
    if (entries === undefined) return null;
    return Object.fromEntries(fields.map(({ name, sqlName, read }) => [name, read(entries[sqlName])]));
  };
}

/** Whether `plain` reads the type as it is. */
function isPlain(type: FileType): boolean {
  if (type.kind === "list") return isPlain(type.item);
  if (type.kind === "struct")
    return type.fields.every(({ name, sqlName, type: of }) => name === sqlName && isPlain(of));
  return type.type.typeId !== DuckDBTypeId.FLOAT;
}

function itemsOf(value: unknown): readonly unknown[] | undefined {
  return (value as { items?: readonly unknown[] } | null)?.items;
}

/** A float32 has 6 to 9 significant digits. */
const FLOAT_DIGITS = [6, 7, 8, 9];

/**
 * The number with the fewest digits that is stored as this float32.
 *
 * ```ts
 * shortestFloat(Math.fround(0.1)) // 0.1, where Math.fround(0.1) is 0.10000000149011612
 * ```
 */
export function shortestFloat(value: number): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 2 ** 24)) return value;
  for (const digits of FLOAT_DIGITS) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
