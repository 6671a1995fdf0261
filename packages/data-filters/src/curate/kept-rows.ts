/** The rows that passed every rule, as the samples of one split are made of them. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { PromptMessage } from "@v-triune/schema";
import type { PixelBox } from "../adapters/source-adapter";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import type { PictureReference } from "../pictures/picture-reference";
import { ALIVE, SPLIT } from "../tables/curation-tables";
import type { KeptRow } from "./build-sample";

/**
 * Reads the kept rows of some sources, in the order in which they were read.
 *
 * @param parts positions of the sources in the configuration
 */
export async function keptRows(
  connection: DuckDBConnection,
  split: "train" | "test",
  parts: readonly number[],
  signal?: AbortSignal,
): Promise<(KeptRow & { readonly part: number })[]> {
  const sql = `SELECT part, id, question, answer, pictures, turns, boxes, width, height
    FROM ${ALIVE} LEFT JOIN ${SPLIT} USING (row)
    WHERE part IN (${parts.join(", ")}) AND coalesce(test, false) = ${split === "test"} ORDER BY row`;
  const rows: (KeptRow & { readonly part: number })[] = [];
  for await (const chunk of readChunks(connection, sql, { signal })) {
    for (const [part, id, question, answer, pictures, turns, boxes, width, height] of plainRows(chunk)) {
      rows.push({
        part: Number(part),
        id: String(id),
        question: String(question),
        answer: String(answer),
        pictures: JSON.parse(String(pictures)) as PictureReference[],
        turns: turns === null ? null : (JSON.parse(String(turns)) as PromptMessage[]),
        boxes: boxes as PixelBox[] | null,
        width: width as number | null,
        height: height as number | null,
      });
    }
  }
  return rows;
}
