/** Fills `rows` with what adapters read, without the pictures, and `unreadable` with records that cannot be used. */
import { listValue, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import type { SourceInfo } from "@v-triune/schema";
import type { SourceRow } from "../adapters/source-adapter";
import { boxesValue, createTable, ROW_COLUMNS, ROWS, UNREADABLE, UNREADABLE_COLUMNS } from "./curation-tables";
import { TableAppender } from "./fill-table";

/** A record that cannot be used. */
export interface UnreadableRecord {
  readonly id: string;
  readonly place: string;
  readonly reason: string;
}

/** Appends rows to the tables, a chunk at a time. */
export class RowTable {
  readonly #appender: TableAppender;
  readonly #unreadable: TableAppender;
  #next = 0;
  #nextUnreadable = 0;

  private constructor(appender: TableAppender, unreadable: TableAppender) {
    this.#appender = appender;
    this.#unreadable = unreadable;
  }

  /** Creates the empty tables. @param connection the database's `writer` */
  static async create(connection: DuckDBConnection): Promise<RowTable> {
    await createTable(connection, ROWS, ROW_COLUMNS);
    await createTable(connection, UNREADABLE, UNREADABLE_COLUMNS);
    return new RowTable(
      await TableAppender.open(connection, ROWS, ROW_COLUMNS),
      await TableAppender.open(connection, UNREADABLE, UNREADABLE_COLUMNS),
    );
  }

  addUnreadable({ id, place, reason }: UnreadableRecord, { key, task }: Pick<SourceInfo, "key" | "task">): void {
    this.#unreadable.add({ number: BigInt(this.#nextUnreadable++), source: key, task, id, place, reason });
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

  /** Writes what is left; the tables are then ready for queries. */
  close(): void {
    for (const appender of [this.#appender, this.#unreadable]) {
      appender.flush();
      appender.close();
    }
  }
}
