/**
 * Rows for the report page: some that were kept and some that each rule dropped, drawn by the seed, with small
 * pictures.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import sharp from "sharp";
import type { PixelBox } from "../adapters/source-adapter";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { readPictureBytes, type PictureReference } from "../pictures/picture-reference";
import { drawOrder } from "../rules/filter-rule";
import { DROPPED, ROWS } from "../tables/curation-tables";

/** A row as the page shows it. */
export interface ExampleRow {
  readonly source: string;
  readonly id: string;
  /** The rule that dropped it, or null. */
  readonly rule: string | null;
  readonly question: string;
  readonly answer: string;
  readonly boxes: readonly PixelBox[];
  readonly width: number | null;
  readonly height: number | null;
  /** A small JPEG of the first picture as a data URL; null if it does not decode. */
  readonly thumbnail: string | null;
}

/** Longest side of a small picture, pixels. */
const THUMBNAIL = 200;

/**
 * Draws examples.
 *
 * @param ruleNames names of the rules, by the position that `dropped.rule` states
 * @param each number of rows per source and rule
 */
export async function exampleRows(
  connection: DuckDBConnection,
  ruleNames: readonly string[],
  seed: number,
  each: number,
  signal?: AbortSignal,
): Promise<ExampleRow[]> {
  const sql = `
    SELECT source, id, rule, question, answer, boxes, width, height, pictures FROM ${ROWS} JOIN (
      SELECT row, rule, row_number() OVER (PARTITION BY part, rule ORDER BY ${drawOrder(seed, "source", "id")}) AS place
      FROM ${ROWS} LEFT JOIN ${DROPPED} USING (row)) USING (row)
    WHERE place <= ${each} ORDER BY part, rule NULLS FIRST, place`;
  const examples: ExampleRow[] = [];
  for await (const chunk of readChunks(connection, sql, { signal })) {
    for (const [source, id, rule, question, answer, boxes, width, height, pictures] of plainRows(chunk)) {
      const first = (JSON.parse(String(pictures)) as PictureReference[])[0];
      examples.push({
        source: String(source),
        id: String(id),
        rule: rule === null ? null : (ruleNames[Number(rule)] ?? ""),
        question: String(question ?? ""),
        answer: String(answer ?? ""),
        boxes: (boxes ?? []) as PixelBox[],
        width: width as number | null,
        height: height as number | null,
        thumbnail: first === undefined ? null : await thumbnail(first),
      });
    }
  }
  return examples;
}

/** A small JPEG of a row's picture as a data URL; null if it does not decode. */
export async function thumbnail(reference: PictureReference, side = THUMBNAIL): Promise<string | null> {
  try {
    return await thumbnailOf(readPictureBytes(reference), side);
  } catch {
    // The page also says why a row was dropped, and most often that is the picture.
    return null;
  }
}

/** The same of encoded bytes, or of a file. */
export async function thumbnailOf(picture: Uint8Array | string, side = THUMBNAIL): Promise<string | null> {
  try {
    const small = await sharp(picture)
      .autoOrient()
      .resize(side, side, { fit: "inside", withoutEnlargement: true })
      .flatten({ background: "white" })
      .jpeg({ quality: 70 })
      .toBuffer();
    return `data:image/jpeg;base64,${small.toString("base64")}`;
  } catch {
    // As above.
    return null;
  }
}
