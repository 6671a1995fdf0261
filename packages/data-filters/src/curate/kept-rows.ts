/** The rows that passed every rule, as the samples of one split are made of them. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { PromptMessage } from "@v-triune/schema";
import type { PixelBox } from "../adapters/source-adapter";
import { queryRows } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import type { PictureReference } from "../pictures/picture-reference";
import { ALIVE, SPLIT } from "../tables/curation-tables";
import type { KeptRow } from "./build-sample";

/** A kept row and the position of its source in the configuration. */
export type PlacedRow = KeptRow & { readonly part: number };

/** The rows of one file. */
export interface KeptRowsOf {
  readonly split: "train" | "test";
  /** Positions of the sources in the configuration. */
  readonly parts: readonly number[];
}

/** The number of kept rows. */
export async function countKeptRows(connection: DuckDBConnection, rows: KeptRowsOf): Promise<number> {
  const [count] = await queryRows(connection, `SELECT count(*) AS n FROM ${relationOf(rows)}`);
  return Number(count?.n);
}

/** Streams the kept rows of some sources, in the order in which they were read. */
export async function* keptRows(
  connection: DuckDBConnection,
  rows: KeptRowsOf,
  signal?: AbortSignal,
): AsyncGenerator<PlacedRow> {
  const sql = `SELECT part, id, question, answer, pictures, turns, boxes, width, height
    FROM ${relationOf(rows)} ORDER BY row`;
  for await (const chunk of readChunks(connection, sql, { signal })) {
    for (const [part, id, question, answer, pictures, turns, boxes, width, height] of plainRows(chunk)) {
      yield {
        part: Number(part),
        id: String(id),
        question: String(question),
        answer: String(answer),
        pictures: JSON.parse(String(pictures)) as PictureReference[],
        turns: turns === null ? null : (JSON.parse(String(turns)) as PromptMessage[]),
        boxes: boxes as PixelBox[] | null,
        width: width as number | null,
        height: height as number | null,
      };
    }
  }
}

function relationOf({ split, parts }: KeptRowsOf): string {
  return `(SELECT * FROM ${ALIVE} LEFT JOIN ${SPLIT} USING (row)
    WHERE part IN (${parts.join(", ")}) AND coalesce(test, false) = ${split === "test"})`;
}
