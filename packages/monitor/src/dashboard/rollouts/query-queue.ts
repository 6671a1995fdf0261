/**
 * DuckDB for the dashboard: started with the first query, limited in threads and memory, and without access to
 * extensions.
 */
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import type { Row } from "./row-values";

/** Runs one query after the other: a page asks several at once, and DuckDB uses all its threads for each. */
export class QueryQueue {
  #instance: DuckDBInstance | undefined;
  #connection: Promise<DuckDBConnection> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  async #open(): Promise<DuckDBConnection> {
    this.#instance = await DuckDBInstance.create(":memory:", {
      threads: "2",
      memory_limit: "1GB",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    return await this.#instance.connect();
  }

  rows(sql: string, values: Record<string, DuckDBValue>): Promise<Row[]> {
    const answer = this.#last.then(async () => {
      const connection = await (this.#connection ??= this.#open());
      return (await connection.runAndReadAll(sql, values)).getRowObjectsJS() as Row[];
    });
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Waits for the last query and stops DuckDB; another query starts it again. */
  async close(): Promise<void> {
    await this.#last;
    (await this.#connection)?.closeSync();
    this.#instance?.closeSync();
    this.#connection = undefined;
    this.#instance = undefined;
  }
}
