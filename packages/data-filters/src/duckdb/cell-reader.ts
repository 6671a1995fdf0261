/**
 * Values of a file's columns as plain JavaScript values, by the types of the file: float32 and float16 numbers as they
 * were written, and structs with the names of the file.
 */
import { DuckDBTypeId } from "@duckdb/node-api";
import { plain } from "./database";
import type { FileType } from "./file-columns";

/** Reads one value of a column. */
export type CellReader = (value: unknown) => unknown;

/** The reader for a type. */
export function cellReader(type: FileType): CellReader {
  if (isPlain(type)) return plain;
  if (type.kind === "leaf") {
    const shortest = type.isHalf === true ? shortestHalf : shortestFloat;
    return (value) => (typeof value === "number" ? shortest(value) : plain(value));
  }
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

/** Digits that a number may need so that no other has the same text. */
const FLOAT_DIGITS = [6, 7, 8, 9];
const HALF_DIGITS = [3, 4, 5];

/**
 * The number with the fewest digits that is stored as this float32.
 *
 * ```ts
 * shortestFloat(Math.fround(0.1)) // 0.1, where Math.fround(0.1) is 0.10000000149011612
 * ```
 */
export function shortestFloat(value: number): number {
  return shortest(value, { digits: FLOAT_DIGITS, keptBelow: 2 ** 24, round: Math.fround });
}

/** The number with the fewest digits that is stored as this float16: 0.1 for 0.0999755859375. */
export function shortestHalf(value: number): number {
  return shortest(value, { digits: HALF_DIGITS, keptBelow: 2 ** 16, round: roundToHalf });
}

interface NumberFormat {
  readonly digits: readonly number[];
  /** Smaller whole numbers stay as they are. */
  readonly keptBelow: number;
  round(value: number): number;
}

function shortest(value: number, { digits, keptBelow, round }: NumberFormat): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < keptBelow)) return value;
  for (const count of digits) {
    const short = Number(value.toPrecision(count));
    if (round(short) === value) return short;
  }
  return value;
}

/** The nearest float16: 11 significant bits, in steps of 2^-24 at least. Ties go to the even one. */
function roundToHalf(value: number): number {
  const step = 2 ** Math.max(-24, Math.floor(Math.log2(Math.abs(value))) - 10);
  const steps = value / step;
  const below = Math.floor(steps);
  const rest = steps - below;
  const isUp = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return (isUp ? below + 1 : below) * step;
}
