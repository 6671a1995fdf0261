/** Types of a Parquet file's columns by the names that DuckDB gives them: errors read as on the command line. */
import type { SchemaElement, SchemaTree } from "hyparquet";

/** What a value is read as. */
export type LeafKind = "text" | "integer" | "float" | "decimal" | "boolean" | "bytes" | "null" | "other";

/** A column's type. */
export type ColumnType =
  | { readonly kind: "leaf"; readonly of: LeafKind; readonly name: string }
  | { readonly kind: "list"; readonly item: ColumnType; readonly name: string }
  | { readonly kind: "struct"; readonly fields: readonly Column[]; readonly name: string };

/** A column, or a field of a struct. */
export interface Column {
  readonly name: string;
  /** Dotted path in the Parquet schema, which has nodes of its own around lists. */
  readonly path: string;
  readonly type: ColumnType;
}

/** The columns below a node of the schema, in their order. */
export function columnsOf({ children }: SchemaTree): Column[] {
  return children.map((child) => ({ name: child.element.name, path: child.path.join("."), type: typeOf(child) }));
}

function typeOf(node: SchemaTree): ColumnType {
  const { element, children } = node;
  const type = ownType(node);
  // A field that is repeated without a list around it is a list of itself.
  const isBare = element.repetition_type === "REPEATED" && children.length === 0;
  return isBare ? listOf(type) : type;
}

function ownType(node: SchemaTree): ColumnType {
  const { element, children } = node;
  const [only] = children;
  if (only === undefined) return leafType(element);
  if (element.converted_type === "MAP" || element.converted_type === "MAP_KEY_VALUE") {
    const names = only.children.map((child) => typeOf(child).name);
    return { kind: "leaf", of: "other", name: `MAP(${names.join(", ")})` };
  }
  if (element.converted_type === "LIST" && children.length === 1 && only.element.repetition_type === "REPEATED")
    return listOf(only.children.length === 1 ? typeOf(only.children[0]!) : ownType(only));
  const fields = columnsOf(node);
  const inside = fields.map(({ name, type }) => `${quoted(name)} ${type.name}`);
  return { kind: "struct", fields, name: `STRUCT(${inside.join(", ")})` };
}

function listOf(item: ColumnType): ColumnType {
  return { kind: "list", item, name: `${item.name}[]` };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const INTEGERS: Readonly<Record<string, string>> = {
  INT_8: "TINYINT",
  INT_16: "SMALLINT",
  INT_32: "INTEGER",
  INT_64: "BIGINT",
  UINT_8: "UTINYINT",
  UINT_16: "USMALLINT",
  UINT_32: "UINTEGER",
  UINT_64: "UBIGINT",
};

function leafType({
  type,
  converted_type: converted,
  logical_type: logical,
  precision,
  scale,
}: SchemaElement): ColumnType {
  const leaf = (of: LeafKind, name: string): ColumnType => ({ kind: "leaf", of, name });
  switch (logical?.type) {
    case "NULL":
      return leaf("null", '"NULL"');
    case "UUID":
      return leaf("text", "UUID");
    case "FLOAT16":
      return leaf("float", "FLOAT");
    case "TIMESTAMP":
      return leaf("other", logical.isAdjustedToUTC ? "TIMESTAMP WITH TIME ZONE" : "TIMESTAMP");
    case "TIME":
      return leaf("other", "TIME");
    case undefined:
    default:
  }
  switch (converted) {
    case "UTF8":
    case "ENUM":
      return leaf("text", "VARCHAR");
    case "JSON":
      return leaf("text", "JSON");
    case "DECIMAL":
      return leaf("decimal", `DECIMAL(${precision ?? 18},${scale ?? 0})`);
    case "DATE":
      return leaf("other", "DATE");
    case "TIME_MILLIS":
    case "TIME_MICROS":
      return leaf("other", "TIME");
    case "TIMESTAMP_MILLIS":
    case "TIMESTAMP_MICROS":
      return leaf("other", "TIMESTAMP");
    case "INTERVAL":
      return leaf("other", "INTERVAL");
    case undefined:
    default:
  }
  if (logical?.type === "STRING") return leaf("text", "VARCHAR");
  const integer = converted === undefined ? undefined : INTEGERS[converted];
  if (integer !== undefined) return leaf("integer", integer);
  switch (type) {
    case "BOOLEAN":
      return leaf("boolean", "BOOLEAN");
    case "INT32":
      return leaf("integer", "INTEGER");
    case "INT64":
      return leaf("integer", "BIGINT");
    case "INT96":
      return leaf("other", "TIMESTAMP");
    case "FLOAT":
      return leaf("float", "FLOAT");
    case "DOUBLE":
      return leaf("float", "DOUBLE");
    default:
      return leaf("bytes", "BLOB");
  }
}
