/**
 * Columns of a Parquet file with the names that the file gives them. DuckDB's names are case-insensitive: of `Answer`
 * and `answer` it calls the second one `answer_1`, in tables and in structs. Both names are kept here: the file's to
 * find a column by, DuckDB's for SQL.
 */
import { DuckDBListType, DuckDBStructType, type DuckDBConnection, type DuckDBType } from "@duckdb/node-api";
import { queryRows } from "./database";
import { notParquet } from "./read-failure";
import { fileLiteral, parquetScan } from "./scan";

/** A column, or a field of a struct. */
export interface FileColumn {
  /** Name in the file. */
  readonly name: string;
  /** Name in SQL. */
  readonly sqlName: string;
  readonly type: FileType;
}

/** A type with the names of its fields. */
export type FileType =
  | { readonly kind: "list"; readonly type: DuckDBType; readonly item: FileType }
  | { readonly kind: "struct"; readonly type: DuckDBType; readonly fields: readonly FileColumn[] }
  /** `isHalf`: float16 in the file, which DuckDB reads as float32. */
  | { readonly kind: "leaf"; readonly type: DuckDBType; readonly isHalf?: boolean };

/** A node of a Parquet file's schema. */
interface SchemaNode {
  readonly name: string;
  readonly isHalf: boolean;
  readonly children: readonly SchemaNode[];
}

/**
 * The columns of a Parquet file, in their order.
 *
 * @throws DatasetError if the file is not Parquet or cut off
 */
export async function fileColumns(connection: DuckDBConnection, file: string): Promise<FileColumn[]> {
  try {
    const result = await connection.run(`SELECT * FROM ${parquetScan(file)} LIMIT 0`);
    const types = result.columnTypes();
    const columns = result.columnNames().map((name, i) => ({ name, type: types[i] as DuckDBType }));
    const text = columns.map(({ name, type }) => `${name} ${type.toString()}`).join(" ");
    // Only names of this form can be DuckDB's own, and only numbers of this type can be float16.
    const schema = /_\d+"? |\bFLOAT\b/.test(text) ? await schemaOf(connection, file) : [];
    return columns.map(({ name, type }, i) => columnOf(name, type, schema[i]));
  } catch (error) {
    throw notParquet(file, error);
  }
}

/** Columns whose names are what DuckDB calls them. */
export function columnOf(sqlName: string, type: DuckDBType, node?: SchemaNode): FileColumn {
  return { name: node?.name ?? sqlName, sqlName, type: typeOf(type, node) };
}

function typeOf(type: DuckDBType, node: SchemaNode | undefined): FileType {
  if (type instanceof DuckDBListType) return { kind: "list", type, item: typeOf(type.valueType, node) };
  if (!(type instanceof DuckDBStructType)) return { kind: "leaf", type, ...(isHalf(node) ? { isHalf: true } : {}) };
  const fields = node === undefined ? [] : fieldsOf(node, type.entryNames);
  return {
    kind: "struct",
    type,
    fields: type.entryNames.map((name, i) => columnOf(name, type.entryTypes[i] as DuckDBType, fields[i])),
  };
}

/** Whether the items of a list, or the values of a leaf, are float16. */
function isHalf(node: SchemaNode | undefined): boolean {
  return node !== undefined && (node.children.length === 1 ? isHalf(node.children[0]) : node.isHalf);
}

/** The nodes of a struct's fields. A list's nodes (`list.element`) are between it and its items. */
function fieldsOf(node: SchemaNode, names: readonly string[]): readonly SchemaNode[] {
  const { children } = node;
  const [only] = children;
  const isStruct =
    children.length === names.length && names.every((name, i) => name.startsWith(children[i]?.name ?? ""));
  if (isStruct || only === undefined || children.length > 1) return isStruct ? children : [];
  return fieldsOf(only, names);
}

async function schemaOf(connection: DuckDBConnection, file: string): Promise<readonly SchemaNode[]> {
  const rows = await queryRows(
    connection,
    `SELECT name, coalesce(num_children, 0) AS children, coalesce(logical_type, '') AS logical FROM parquet_schema(${fileLiteral(file)})`,
  );
  let next = 0;
  const read = (): SchemaNode => {
    const row = rows[next++];
    const children = Array.from({ length: Number(row?.children ?? 0) }, read);
    return { name: String(row?.name), isHalf: String(row?.logical).startsWith("Float16"), children };
  };
  return read().children;
}
