/** Rows as a Parquet file, in a browser. */
import { ByteWriter, parquetWrite } from "hyparquet-writer";

/** What a column, or a part of one, holds. Every value may be null. */
export type Shape =
  /** `whole` has 32 bits, `number` is a float32, `real` a float64. */
  | { readonly leaf: "text" | "bytes" | "boolean" | "whole" | "number" | "real" }
  | { readonly list: Shape }
  | { readonly record: Readonly<Record<string, Shape>> }
  /** From text. */
  | { readonly map: Shape };

const LEAVES = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  bytes: { type: "BYTE_ARRAY" },
  boolean: { type: "BOOLEAN" },
  whole: { type: "INT32" },
  number: { type: "FLOAT" },
  real: { type: "DOUBLE" },
} as const;

type SchemaElement = NonNullable<Parameters<typeof parquetWrite>[0]["schema"]>[number];

/** The schema of a part, from the outside in, as the footer lists it. */
function schemaOf(name: string, shape: Shape): SchemaElement[] {
  const own = { name, repetition_type: "OPTIONAL" } as const;
  if ("leaf" in shape) return [{ ...own, ...LEAVES[shape.leaf] }];
  if ("record" in shape) {
    const parts = Object.entries(shape.record);
    return [{ ...own, num_children: parts.length }, ...parts.flatMap(([key, part]) => schemaOf(key, part))];
  }
  const repeated = { repetition_type: "REPEATED" } as const;
  if ("list" in shape)
    return [
      { ...own, num_children: 1, converted_type: "LIST" },
      { ...repeated, name: "list", num_children: 1 },
      ...schemaOf("element", shape.list),
    ];
  return [
    { ...own, num_children: 1, converted_type: "MAP" },
    { ...repeated, name: "key_value", num_children: 2 },
    { name: "key", repetition_type: "REQUIRED", ...LEAVES.text },
    ...schemaOf("value", shape.map),
  ];
}

/** @param columns in the order of the file, each with what it holds */
export function parquetFile(
  columns: Readonly<Record<string, Shape>>,
  rows: readonly Readonly<Record<string, unknown>>[],
): Uint8Array {
  const names = Object.keys(columns);
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    columnData: names.map((name) => ({ name, data: rows.map((row) => row[name]) })),
    schema: [
      { name: "root", num_children: names.length },
      ...Object.entries(columns).flatMap(([name, shape]) => schemaOf(name, shape)),
    ],
    // Of nested columns they would be wrong to search by, and no reader here needs them.
    statistics: false,
    createdBy: "v-triune",
  });
  return new Uint8Array(writer.getBuffer());
}
