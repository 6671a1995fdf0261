/** Writes rows from JavaScript into tables of DuckDB, one chunk at a time. */
import {
  DuckDBDataChunk,
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import { createTable, type Columns } from "./curation-tables";

/** Most rows of a DuckDB chunk. */
const CHUNK_ROWS = 2048;

/** Cells of a row by column. A column that is missing is NULL. */
export type Cells = Readonly<Record<string, DuckDBValue>>;

/** Appends rows to one table. */
export class TableAppender {
  readonly #appender: DuckDBAppender;
  readonly #names: readonly string[];
  readonly #types: readonly DuckDBType[];
  #pending: DuckDBValue[][] = [];
  #rows = 0;

  private constructor(appender: DuckDBAppender, columns: Columns) {
    this.#appender = appender;
    this.#names = Object.keys(columns);
    this.#types = Object.values(columns);
    this.#pending = this.#names.map(() => []);
  }

  /** @param columns all columns of the table, in its order */
  static async open(connection: DuckDBConnection, table: string, columns: Columns): Promise<TableAppender> {
    return new TableAppender(await connection.createAppender(table), columns);
  }

  add(row: Cells): void {
    for (const [i, name] of this.#names.entries()) this.#pending[i]?.push(row[name] ?? null);
    if (++this.#rows === CHUNK_ROWS) this.flush();
  }

  close(): void {
    this.#appender.closeSync();
  }

  /** Writes what was added; the table is then ready for queries. */
  flush(): void {
    if (this.#rows === 0) return;
    const chunk = DuckDBDataChunk.create(this.#types, this.#rows);
    chunk.setColumns(this.#pending);
    this.#appender.appendDataChunk(chunk);
    this.#pending = this.#names.map(() => []);
    this.#rows = 0;
  }
}

/**
 * Creates a table and fills it.
 *
 * @param connection the database's `writer`: the rows are most often made from a stream of its other connection
 */
export async function fillTable(
  connection: DuckDBConnection,
  table: string,
  columns: Columns,
  rows: AsyncIterable<Cells> | Iterable<Cells>,
): Promise<void> {
  await createTable(connection, table, columns);
  const appender = await TableAppender.open(connection, table, columns);
  try {
    for await (const row of rows) appender.add(row);
    appender.flush();
  } finally {
    appender.close();
  }
}
