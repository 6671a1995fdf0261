/** What `decontaminate` found, for the page: both sides of each hit, with their pictures where those look alike. */
import { HITS, ITEMS } from "../contamination/contamination-hits";
import { thumbnail, thumbnailOf } from "./example-rows";
import type { CurationRun } from "./curation-run";
import { queryRows } from "../duckdb/database";
import type { PictureReference } from "../pictures/picture-reference";
import { ROWS } from "../tables/curation-tables";

/** Two sides of a hit. */
export interface ContaminationPair {
  readonly row: string;
  readonly question: string;
  readonly benchmark: string;
  readonly benchmarkQuestion: string;
  readonly kind: string;
  readonly similarity: number;
  /** The first picture of each side, for hits by picture. */
  readonly pictures: readonly (string | null)[];
}

/** Hits on the page; `contamination.parquet` has all. */
export const SHOWN_PAIRS = 100;

/** The most similar hits of each benchmark and kind in turn, so that none of them fills the page alone. */
export async function contaminationPairs({ database, found }: CurationRun): Promise<ContaminationPair[]> {
  const { references } = found;
  if (references === undefined) return [];
  const hits = await queryRows(
    database.connection,
    `SELECT item, r.source || '/' || r.id AS row_name, r.question, r.pictures, benchmark || '/' || i.id AS item_name,
       i.question AS item_question, kind, similarity
     FROM ${HITS} h JOIN ${ROWS} r USING (row) JOIN ${ITEMS} i USING (item)
     ORDER BY row_number() OVER (PARTITION BY benchmark, kind ORDER BY similarity DESC, h.row, item), benchmark, kind
     LIMIT ${SHOWN_PAIRS}`,
  );
  return Promise.all(
    hits.map(async (hit) => {
      const own = (JSON.parse(String(hit.pictures)) as PictureReference[])[0];
      const [theirs] = hit.kind === "picture" ? ((await references.items[Number(hit.item)]?.pictures()) ?? []) : [];
      return {
        row: String(hit.row_name),
        question: String(hit.question ?? ""),
        benchmark: String(hit.item_name),
        benchmarkQuestion: String(hit.item_question ?? ""),
        kind: String(hit.kind),
        similarity: Number(hit.similarity),
        pictures:
          hit.kind === "picture"
            ? [
                own === undefined ? null : await thumbnail(own),
                theirs === undefined
                  ? null
                  : await thumbnailOf(typeof theirs === "string" ? theirs : Buffer.from(theirs)),
              ]
            : [],
      };
    }),
  );
}
