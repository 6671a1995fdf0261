/** Columns of `rows` that are computed from text outside SQL: the language of the question, whether the gold can be verified. */
import { BIGINT, VARCHAR, type DuckDBValue } from "@duckdb/node-api";
import { plain, type Database } from "../duckdb/database";
import { fillTable } from "./row-table";

/**
 * Adds a text column to `rows`, computed for the rows of `relation`; NULL for the others.
 *
 * @param from column that is computed from
 * @param compute gives the new column's text, or null
 */
export async function addTextColumn(
  { connection, writer }: Database,
  relation: string,
  column: string,
  from: string,
  compute: (text: string) => string | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  async function* computed(): AsyncGenerator<DuckDBValue[]> {
    // Questions repeat (templates, several pictures); each is looked at once.
    const known = new Map<string, string | null>();
    const result = await connection.stream(`SELECT row, ${from} FROM ${relation} ORDER BY row`);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      signal?.throwIfAborted();
      for (let i = 0; i < chunk.rowCount; i++) {
        const [row, cell] = chunk.getRowValues(i).map(plain);
        const text = String(cell ?? "");
        let value = known.get(text);
        if (value === undefined) {
          value = compute(text);
          if (known.size < 100_000) known.set(text, value);
        }
        yield [BigInt(row as number), value];
      }
    }
  }
  await fillTable(writer, "computed", [["row", BIGINT], ["value", VARCHAR]], computed());
  await connection.run(
    `CREATE OR REPLACE TABLE rows AS SELECT rows.*, value AS ${column} FROM rows LEFT JOIN computed USING (row) ORDER BY row`,
  );
  await connection.run("DROP TABLE computed");
}
