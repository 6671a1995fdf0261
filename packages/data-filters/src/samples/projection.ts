/**
 * SQL that brings a file's columns into the layout. Missing leaves become NULL, and additional leaves are neither read
 * nor decoded. Whole numbers are accepted for text (ids, answers), and all numbers for ratios. A column of another type
 * is an error before a row is read.
 */
import { DuckDBTypeId, type DuckDBListType, type DuckDBStructType, type DuckDBType } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { identifier } from "../duckdb/database";
import type { LayoutNode } from "./orsta-layout";

const INTEGERS: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
]);
const FRACTIONS: ReadonlySet<DuckDBTypeId> = new Set([DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE, DuckDBTypeId.DECIMAL]);

const LEAF_NAMES = { text: "text", number: "a number", boolean: "a boolean", bytes: "bytes" } as const;

/**
 * The SQL expression that reads `node` from `expression`.
 *
 * @param expression SQL of the file's column or leaf
 * @param type its type in the file
 * @throws DatasetError if the type is not accepted for the node, or a required leaf is missing
 */
export function projection(
  expression: string,
  type: DuckDBType,
  node: LayoutNode,
  file: string,
  field: string,
): string {
  if (type.typeId === DuckDBTypeId.SQLNULL) return "NULL";
  if ("leaf" in node) return leafProjection(expression, type, node.leaf, file, field);
  if ("list" in node) {
    if (type.typeId !== DuckDBTypeId.LIST) throw wrongType(type, "a list", file, field);
    const item = `item_${field.replace(/\W/g, "_")}`;
    const each = projection(item, (type as DuckDBListType).valueType, node.list, file, field);
    return `list_transform(${expression}, lambda ${item}: ${each})`;
  }
  if (type.typeId !== DuckDBTypeId.STRUCT)
    throw wrongType(type, `a struct of ${Object.keys(node.record).join(", ")}`, file, field);
  const struct = type as DuckDBStructType;
  const leaves = Object.entries(node.record).map(([key, child]) => {
    const path = `${field}.${key}`;
    const index = struct.entryNames.indexOf(key);
    const childType = struct.entryTypes[index];
    if (index < 0 || childType === undefined) {
      if (child.required) throw missing(path, file, struct.entryNames);
      return `${identifier(key)} := NULL`;
    }
    return `${identifier(key)} := ${projection(`(${expression})[${sqlKey(key)}]`, childType, child, file, path)}`;
  });
  return `CASE WHEN ${expression} IS NULL THEN NULL ELSE struct_pack(${leaves.join(", ")}) END`;
}

function leafProjection(
  expression: string,
  type: DuckDBType,
  leaf: "text" | "number" | "boolean" | "bytes",
  file: string,
  field: string,
): string {
  const id = type.typeId;
  switch (leaf) {
    case "text":
      if (id === DuckDBTypeId.VARCHAR) return expression;
      if (INTEGERS.has(id) || id === DuckDBTypeId.ENUM || id === DuckDBTypeId.UUID)
        return `CAST(${expression} AS VARCHAR)`;
      break;
    case "number":
      if (id === DuckDBTypeId.FLOAT || id === DuckDBTypeId.DOUBLE) return expression;
      if (INTEGERS.has(id) || FRACTIONS.has(id)) return `CAST(${expression} AS DOUBLE)`;
      break;
    case "boolean":
      if (id === DuckDBTypeId.BOOLEAN) return expression;
      break;
    case "bytes":
      if (id === DuckDBTypeId.BLOB) return expression;
      break;
  }
  throw wrongType(type, LEAF_NAMES[leaf], file, field);
}

function sqlKey(key: string): string {
  return `'${key.replace(/'/g, "''")}'`;
}

function wrongType(type: DuckDBType, expected: string, file: string, field: string): DatasetError {
  return new DatasetError({
    code: "wrong-type",
    file,
    field,
    expected,
    found: type.toString(),
    fix: "write the column with the layout's type, or read the file with curate and `source: table`",
  });
}

/** The error for a column or leaf that the file lacks. */
export function missing(field: string, file: string, present: readonly string[]): DatasetError {
  return new DatasetError({
    code: "missing-field",
    file,
    field,
    expected: "this column",
    found: present.length > 0 ? `only ${present.join(", ")}` : "no columns",
    fix: "choose a corpus file, or read another layout with curate and one of its adapters",
  });
}
