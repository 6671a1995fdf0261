/**
 * The hits of a run as a table, and what the report says about them. A row may share something with several questions;
 * each is a hit.
 */
import { BIGINT, DOUBLE, INTEGER, VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import { literal, queryRows, type Database } from "../duckdb/database";
import { fillTable, type Cells } from "../tables/fill-table";
import type { ContaminationFinder, ContaminationHit } from "./contamination-finder";
import type { ReferenceCounts, References } from "./references";

/** Hits of all rows: `item` is the position of the question in `contamination_items`. */
export const HITS = "contamination_hits";
const HITS_COLUMNS = { row: BIGINT, item: INTEGER, kind: VARCHAR, key: DOUBLE, start: INTEGER, similarity: DOUBLE };
/** The benchmarks' questions. */
export const ITEMS = "contamination_items";
const ITEMS_COLUMNS = { item: INTEGER, benchmark: VARCHAR, id: VARCHAR, question: VARCHAR };

/** What a run says about contamination. */
export interface ContaminationReport {
  readonly benchmarks: readonly (ReferenceCounts & {
    /** Rows that have a text of it, a picture of it, and either. */
    readonly rowsByText: number;
    readonly rowsByPicture: number;
    readonly rows: number;
    /** Questions of it that a row has. */
    readonly questionsFound: number;
  })[];
  readonly rows: number;
  readonly hits: number;
}

/** Fills the tables of hits and questions. Hits by phrases that proved too common are left out. */
export async function fillHits(
  { connection, writer }: Database,
  references: References,
  finder: ContaminationFinder,
  hits: AsyncIterable<ContaminationHit & { readonly row: number }>,
): Promise<void> {
  await fillTable(writer, HITS, HITS_COLUMNS, cellsOf(hits));
  await fillTable(writer, ITEMS, ITEMS_COLUMNS, itemCells(references));
  await fillTable(
    writer,
    "common_keys",
    { key: DOUBLE },
    finder.commonKeys().map((key) => ({ key })),
  );
  await connection.run(`CREATE OR REPLACE TABLE phrases AS
    SELECT DISTINCT row, start FROM ${HITS} JOIN common_keys USING (key) WHERE kind = 'text'`);
  // A text that shares several phrases with a question is one hit.
  await connection.run(`CREATE OR REPLACE TABLE ${HITS} AS SELECT row, item, kind, least(1, sum(similarity)) AS similarity
    FROM ${HITS} h
    WHERE kind = 'picture' OR NOT EXISTS (
      SELECT 1 FROM phrases p WHERE p.row = h.row AND abs(p.start - h.start) < ${finder.ownWords})
    GROUP BY row, item, kind ORDER BY row, item, kind`);
  for (const table of ["common_keys", "phrases"]) await connection.run(`DROP TABLE ${table}`);
}

async function* cellsOf(hits: AsyncIterable<ContaminationHit & { readonly row: number }>): AsyncGenerator<Cells> {
  for await (const hit of hits) yield { ...hit, row: BigInt(hit.row) };
}

function* itemCells({ items }: References): Generator<Cells> {
  for (const [item, { set, id, question }] of items.entries()) yield { item, benchmark: set, id, question };
}

/** The best hit of each row as text, `mathvista/12 (text)`: texts before pictures, then the more similar one. */
export const BEST_HIT = `(SELECT row, benchmark || '/' || id || ' (' || kind || ')' AS best FROM ${HITS} JOIN ${ITEMS} USING (item)
  QUALIFY row_number() OVER (PARTITION BY row ORDER BY kind DESC, similarity DESC, item) = 1)`;

/** Counts the hits, by benchmark. */
export async function contaminationReport(
  connection: DuckDBConnection,
  { counts }: Pick<References, "counts">,
): Promise<ContaminationReport> {
  const found = await queryRows(
    connection,
    `SELECT benchmark, count(DISTINCT row) AS rows, count(DISTINCT item) AS items,
       count(DISTINCT row) FILTER (kind = 'text') AS texts, count(DISTINCT row) FILTER (kind = 'picture') AS pictures
     FROM ${HITS} JOIN ${ITEMS} USING (item) GROUP BY benchmark`,
  );
  const [all] = await queryRows(connection, `SELECT count(*) AS hits, count(DISTINCT row) AS rows FROM ${HITS}`);
  return {
    benchmarks: counts.map((count) => {
      const own = found.find(({ benchmark }) => benchmark === count.name);
      return {
        ...count,
        rowsByText: Number(own?.texts ?? 0),
        rowsByPicture: Number(own?.pictures ?? 0),
        rows: Number(own?.rows ?? 0),
        questionsFound: Number(own?.items ?? 0),
      };
    }),
    rows: Number(all?.rows),
    hits: Number(all?.hits),
  };
}

/**
 * Writes all hits, both sides of each, as Parquet.
 *
 * @param rows a relation with row, source, id and question
 */
export async function writeHits(connection: DuckDBConnection, rows: string, file: string): Promise<void> {
  await connection.run(`COPY (
    SELECT r.source, r.id, r.question, benchmark, i.id AS benchmark_id, i.question AS benchmark_question, kind, similarity
    FROM ${HITS} h JOIN ${rows} r USING (row) JOIN ${ITEMS} i USING (item) ORDER BY h.row, h.item, kind
  ) TO ${literal(file)} (FORMAT parquet)`);
}
