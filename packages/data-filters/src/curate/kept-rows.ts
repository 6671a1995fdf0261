/** The rows that passed every rule, as the samples of one split are made of them. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { PromptMessage } from "@v-triune/schema";
import type { PixelBox } from "../adapters/source-adapter";
import { queryRows } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import type { PictureReference } from "../pictures/picture-reference";
import { ALIVE, SPLIT, TAGS } from "../tables/curation-tables";
import type { KeptRow } from "./build-sample";

/** A kept row and the position of its source in the configuration. */
export type PlacedRow = KeptRow & { readonly part: number };

/** The rows of one file. */
export interface KeptRowsOf {
  readonly split: "train" | "test";
  /** Positions of the sources in the configuration. */
  readonly parts: readonly number[];
  /** Names of all rules, by their position in the run, if one of them tags. */
  readonly tags?: readonly string[] | undefined;
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
  const tagsOfRow = `(SELECT row, list(rule ORDER BY rule) AS tags FROM ${TAGS} GROUP BY row)`;
  const sql = `SELECT part, id, question, answer, pictures, turns, boxes, width, height,
      ${rows.tags === undefined ? "NULL" : "tags"} AS tags
    FROM ${relationOf(rows)} ${rows.tags === undefined ? "" : `LEFT JOIN ${tagsOfRow} USING (row)`} ORDER BY row`;
  for await (const chunk of readChunks(connection, sql, { signal })) {
    for (const [part, id, question, answer, pictures, turns, boxes, width, height, tags] of plainRows(chunk)) {
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
        ...(rows.tags === undefined ? {} : { tags: named(rows.tags, (tags ?? []) as number[]) }),
      };
    }
  }
}

const named = (names: readonly string[], rules: readonly number[]): string[] => rules.map((rule) => names[rule] ?? "");

function relationOf({ split, parts }: KeptRowsOf): string {
  return `(SELECT * FROM ${ALIVE} LEFT JOIN ${SPLIT} USING (row)
    WHERE part IN (${parts.join(", ")}) AND coalesce(test, false) = ${split === "test"})`;
}
