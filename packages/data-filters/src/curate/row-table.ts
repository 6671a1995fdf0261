/** The table `rows` of a run: what adapters read, without pictures, in DuckDB. */
import {
  BIGINT,
  DOUBLE,
  DuckDBDataChunk,
  INTEGER,
  LIST,
  listValue,
  STRUCT,
  structValue,
  VARCHAR,
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import type { SourceInfo } from "@v-triune/schema";
import type { PixelBox, SourceRow } from "../adapters/source-adapter";
import { CHUNK_ROWS } from "../duckdb/fill-table";

const BOXES = LIST(STRUCT({ x1: DOUBLE, y1: DOUBLE, x2: DOUBLE, y2: DOUBLE, label: VARCHAR }));

const COLUMNS: readonly (readonly [string, DuckDBType])[] = [
  ["row", BIGINT],
  ["part", INTEGER],
  ["source", VARCHAR],
  ["task", VARCHAR],
  ["id", VARCHAR],
  ["question", VARCHAR],
  ["answer", VARCHAR],
  ["options", LIST(VARCHAR)],
  ["category", VARCHAR],
  ["boxes", BOXES],
  ["box_unit", VARCHAR],
  ["width", INTEGER],
  ["height", INTEGER],
  ["picture_count", INTEGER],
  ["pictures", VARCHAR],
];

/** Appends rows to `rows`, a chunk at a time. */
export class RowTable {
  readonly #appender: DuckDBAppender;
  #columns: DuckDBValue[][] = COLUMNS.map(() => []);
  #next = 0;

  private constructor(appender: DuckDBAppender) {
    this.#appender = appender;
  }

  /** Creates the empty table. @param connection the database's `writer` */
  static async create(connection: DuckDBConnection): Promise<RowTable> {
    const columns = COLUMNS.map(([name, type]) => `${name} ${type.toString()}`);
    await connection.run(`CREATE TABLE rows(${columns.join(", ")})`);
    return new RowTable(await connection.createAppender("rows"));
  }

  /** Rows so far. */
  get size(): number {
    return this.#next;
  }

  /** @param part position of the source in the configuration */
  add(row: SourceRow, info: SourceInfo, part: number): void {
    const cells: DuckDBValue[] = [
      BigInt(this.#next++),
      part,
      info.key,
      info.task,
      row.id,
      row.question,
      row.answer,
      row.options === undefined ? null : listValue([...row.options]),
      row.category ?? null,
      row.boxes === undefined ? null : boxesValue(row.boxes),
      row.boxUnit ?? "pixel",
      row.width ?? null,
      row.height ?? null,
      row.pictures.length,
      JSON.stringify(row.pictures),
    ];
    for (const [i, cell] of cells.entries()) this.#columns[i]?.push(cell);
    if (this.#next % CHUNK_ROWS === 0) this.#flush();
  }

  /** Writes what is left; the table is then ready for queries. */
  close(): void {
    this.#flush();
    this.#appender.closeSync();
  }

  #flush(): void {
    const count = this.#columns[0]?.length ?? 0;
    if (count === 0) return;
    const types = COLUMNS.map(([, type]) => type);
    const chunk = DuckDBDataChunk.create(types, count);
    chunk.setColumns(this.#columns);
    this.#appender.appendDataChunk(chunk);
    this.#columns = COLUMNS.map(() => []);
  }
}

/** Boxes as a DuckDB list. */
export function boxesValue(boxes: readonly PixelBox[]): DuckDBValue {
  return listValue(boxes.map(({ x1, y1, x2, y2, label }) => structValue({ x1, y1, x2, y2, label })));
}

/** Columns of boxes for `fillTable`. */
export const BOXES_TYPE: DuckDBType = BOXES;
