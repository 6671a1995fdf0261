/** Fills `rows` with what adapters read, without the pictures. */
import { listValue, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import type { SourceInfo } from "@v-triune/schema";
import type { SourceRow } from "../adapters/source-adapter";
import { boxesValue, createTable, ROW_COLUMNS, ROWS } from "./curation-tables";
import { TableAppender } from "./fill-table";

/** Appends rows to `rows`, a chunk at a time. */
export class RowTable {
  readonly #appender: TableAppender;
  #next = 0;

  private constructor(appender: TableAppender) {
    this.#appender = appender;
  }

  /** Creates the empty table. @param connection the database's `writer` */
  static async create(connection: DuckDBConnection): Promise<RowTable> {
    await createTable(connection, ROWS, ROW_COLUMNS);
    return new RowTable(await TableAppender.open(connection, ROWS, ROW_COLUMNS));
  }

  /** @param part position of the source in the configuration */
  add(row: SourceRow, info: Pick<SourceInfo, "key" | "task">, part: number): void {
    const cells: Readonly<Record<keyof typeof ROW_COLUMNS, DuckDBValue>> = {
      row: BigInt(this.#next++),
      part,
      source: info.key,
      task: info.task,
      id: row.id,
      question: row.question,
      answer: row.answer,
      options: row.options === undefined ? null : listValue([...row.options]),
      category: row.category ?? null,
      boxes: row.boxes === undefined ? null : boxesValue(row.boxes),
      box_unit: row.boxUnit ?? "pixel",
      width: row.width ?? null,
      height: row.height ?? null,
      picture_count: row.pictures.length,
      pictures: JSON.stringify(row.pictures),
      turns: row.turns === undefined ? null : JSON.stringify(row.turns),
    };
    this.#appender.add(cells);
  }

  /** Writes what is left; the table is then ready for queries. */
  close(): void {
    this.#appender.flush();
    this.#appender.close();
  }
}
