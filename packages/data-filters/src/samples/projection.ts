/**
 * SQL that brings a file's columns into the layout. Missing leaves become NULL, and additional leaves are neither read
 * nor decoded. Whole numbers are accepted for text (ids, answers), and all numbers for ratios. A column of another type
 * is an error before a row is read, unless it has no value in any row: writers give such a column any type.
 */
import { DuckDBTypeId, type DuckDBConnection, type DuckDBType } from "@duckdb/node-api";
import type { DatasetError } from "@v-triune/schema";
import { identifier, literal, queryRows } from "../duckdb/database";
import { fileColumns, type FileType } from "../duckdb/file-columns";
import { readFailure } from "../duckdb/read-failure";
import { parquetScan } from "../duckdb/scan";
import { keyOfFolder } from "./folder-keys";
import { expectedOf, missingColumn, wrongType } from "./layout-errors";
import { FULL_LAYOUT, type LayoutNode } from "./orsta-layout";

const INTEGERS: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
]);
const FLOATS: ReadonlySet<DuckDBTypeId> = new Set([DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE]);

/**
 * SQL for columns of a corpus file, each with its name: `expression AS "name"`. A column that may be missing is NULL
 * then.
 *
 * @throws DatasetError if the file is not Parquet, or if a column is missing or has a type that is not accepted
 */
export async function projectColumns(
  connection: DuckDBConnection,
  file: string,
  columns: readonly string[],
): Promise<string[]> {
  const present = await fileColumns(connection, file);
  const projector = new Projector(file);
  const selected: string[] = [];
  for (const name of columns) {
    const node = FULL_LAYOUT[name];
    const column = present.find((one) => one.name === name);
    const key = column === undefined && node !== undefined && "leaf" in node ? keyOfFolder(file, name) : undefined;
    if (node === undefined || (column === undefined && key === undefined && node.required)) {
      const names = present.map((one) => one.name);
      throw missingColumn({ file, field: name }, names);
    }
    const missingValue = key === undefined ? "NULL" : literal(key);
    const sql =
      column === undefined
        ? missingValue
        : projector.project({ sql: identifier(column.sqlName), type: column.type, node, field: name });
    selected.push(`${sql} AS ${identifier(name)}`);
  }
  await projector.checkEmpty(connection);
  return selected;
}

type LeafNode = Extract<LayoutNode, { readonly leaf: unknown }>;

/** A value of the file and its place in the layout. */
interface Place {
  /** SQL of the value. */
  readonly sql: string;
  readonly type: FileType;
  readonly node: LayoutNode;
  /** Dotted path of the leaf. */
  readonly field: string;
  /** Makes a condition on the value into one on the row. Default: the condition itself. */
  readonly onRow?: (condition: string) => string;
}

/** Projects the columns of one file, and notes which must have no value in any row. */
class Projector {
  readonly #file: string;
  readonly #empty: { readonly hasValue: string; readonly error: DatasetError; readonly node: LayoutNode }[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  /** The SQL expression that reads a place. @throws DatasetError if a required leaf is missing */
  project(place: Place): string {
    const { sql, type, node, field, onRow = (condition) => condition } = place;
    if ("leaf" in node) return leafProjection(sql, type.type, node) ?? this.#none(place);
    if ("list" in node) {
      if (type.kind !== "list") return this.#none(place);
      const item = `item_${field.replace(/\W/g, "_")}`;
      const each = this.project({
        sql: item,
        type: type.item,
        node: node.list,
        field,
        onRow: (condition) => onRow(`len(list_filter(${sql}, lambda ${item}: ${condition})) > 0`),
      });
      return `list_transform(${sql}, lambda ${item}: ${each})`;
    }
    const { record } = node;
    if (type.kind !== "struct") return this.#none(place);
    const leaves = Object.entries(record).map(([key, child]) => {
      const path = `${field}.${key}`;
      const found = type.fields.find(({ name }) => name === key);
      if (found === undefined) {
        if (child.required) {
          const names = type.fields.map(({ name }) => name);
          throw missingColumn({ file: this.#file, field: path }, names);
        }
        return `${identifier(key)} := NULL`;
      }
      const value = `(${sql})[${literal(found.sqlName)}]`;
      return `${identifier(key)} := ${this.project({ sql: value, type: found.type, node: child, field: path, onRow })}`;
    });
    return `CASE WHEN ${sql} IS NULL THEN NULL ELSE struct_pack(${leaves.join(", ")}) END`;
  }

  /** @throws DatasetError for the first column of a wrong type that has a value, or is required */
  async checkEmpty(connection: DuckDBConnection): Promise<void> {
    if (this.#empty.length === 0) return;
    const conditions = this.#empty.map(({ hasValue }, i) => `coalesce(bool_or(${hasValue}), false) AS c${i}`);
    const sql = `SELECT count(*) AS n, ${conditions.join(", ")} FROM ${parquetScan(this.#file)}`;
    const [found] = await queryRows(connection, sql).catch((error: unknown) => {
      throw readFailure(error, this.#file);
    });
    for (const [i, { error, node }] of this.#empty.entries())
      if (found?.[`c${i}`] === true || (node.required && found?.n !== 0)) throw error;
  }

  /** NULL for a value of a wrong type, if no row has one. */
  #none({ sql, type, node, field, onRow = (condition) => condition }: Place): string {
    if (type.type.typeId === DuckDBTypeId.SQLNULL) return "NULL";
    const error = wrongType({ file: this.#file, field }, expectedOf(node), type.type.toString());
    this.#empty.push({ hasValue: onRow(`${sql} IS NOT NULL`), error, node });
    return "NULL";
  }
}

/** SQL that reads a leaf, or null for a type that is not accepted. */
function leafProjection(sql: string, type: DuckDBType, node: LeafNode): string | null {
  const id = type.typeId;
  switch (node.leaf) {
    case "text":
      if (id === DuckDBTypeId.VARCHAR) return sql;
      if (INTEGERS.has(id) || id === DuckDBTypeId.ENUM || id === DuckDBTypeId.UUID) return `CAST(${sql} AS VARCHAR)`;
      return node.isId === true && FLOATS.has(id) ? floatAsId(sql) : null;
    case "number":
      if (FLOATS.has(id)) return sql;
      return INTEGERS.has(id) || id === DuckDBTypeId.DECIMAL ? `CAST(${sql} AS DOUBLE)` : null;
    case "boolean":
      return id === DuckDBTypeId.BOOLEAN ? sql : null;
    default:
      return id === DuckDBTypeId.BLOB ? sql : null;
  }
}

/** 7.0 is the id 7; NaN stands for a missing id. */
function floatAsId(sql: string): string {
  const isWhole = `${sql} = trunc(${sql}) AND abs(${sql}) < 1e18`;
  return `CASE WHEN isnan(${sql}) THEN NULL WHEN ${isWhole} THEN CAST(CAST(${sql} AS BIGINT) AS VARCHAR) ELSE CAST(${sql} AS VARCHAR) END`;
}
