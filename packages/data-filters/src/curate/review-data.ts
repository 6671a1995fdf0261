/** The golds that look wrong, with their pictures, for the page. */
import type { PixelBox } from "../adapters/source-adapter";
import { AGREEMENTS } from "./add-suspicions";
import { ownerBoxes } from "./add-decisions";
import { relativeBoxes } from "./build-sample";
import type { CurationRun } from "./curation-run";
import { thumbnail } from "./example-rows";
import { SUSPECTED } from "./suspicious-golds";
import { queryRows, type Database } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import type { AnswerClass } from "../golds/answer-classes";
import type { AgreedBox } from "../golds/box-sites";
import type { PictureReference } from "../pictures/picture-reference";
import { DROPPED, ROWS } from "../tables/curation-tables";
import type { ReviewData, Suspect } from "../report-page/page-data";

/** Suspects on the page, if the configuration does not say: with pictures, some 10 MB. */
export const SHOWN_SUSPECTS = 200;
/** A page with few suspects shows those of less chance, too. */
const LEAST_SHOWN = 0.05;
const FEW = 20;
/** Longest side of their pictures, pixels. */
const PICTURE_SIDE = 720;

/** Gold boxes as they were read: the inspection of pictures may correct them. */
const READ_BOXES = "read_boxes";

/** Keeps the owner's boxes, which decisions state. Call it before any rule runs. */
export async function keepReadBoxes({ connection }: Pick<Database, "connection">): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TABLE ${READ_BOXES} AS SELECT row, boxes FROM ${ROWS} WHERE boxes IS NOT NULL`,
  );
}

/** Collects at most `most` suspects, the most suspicious first. */
export async function reviewData(run: CurationRun, most: number, key: string): Promise<ReviewData> {
  const { connection } = run.database;
  const [counts] = await queryRows(
    connection,
    `SELECT count(*) FILTER (gold_suspicion >= ${SUSPECTED}) AS likely, count(*) FILTER (gold_suspicion >= ${LEAST_SHOWN}) AS all_
     FROM ${ROWS}`,
  );
  const likely = Number(counts?.likely);
  const wanted = Math.max(likely, Math.min(FEW, Number(counts?.all_)));
  const suspects: Suspect[] = [];
  const sql = `
    SELECT source, id, question, options, r.answer, b.boxes, r.boxes, width, height, pictures, gold_suspicion,
      answer_count, r.gold_count, r.consensus_count, a.consensus, a.classes, a.agreed, rule, task
    FROM ${ROWS} r JOIN ${AGREEMENTS} a USING (row) LEFT JOIN ${READ_BOXES} b USING (row) LEFT JOIN ${DROPPED} USING (row)
    WHERE gold_suspicion >= ${LEAST_SHOWN} ORDER BY gold_suspicion DESC, row LIMIT ${Math.min(most, wanted)}`;
  for await (const chunk of readChunks(connection, sql, { signal: run.options.signal }))
    for (const cells of plainRows(chunk)) suspects.push(await suspectOf(cells, run));
  return { key, suspects, leftOut: wanted - suspects.length, earlier: run.found.decisions?.decisions ?? [] };
}

async function suspectOf(cells: readonly unknown[], { rules }: CurationRun): Promise<Suspect> {
  const [source, id, question, options, answer, read, boxes, width, height, pictures, suspicion, ...more] = cells;
  const [answers, goldCount, consensusCount, consensus, classes, agreed, rule, task] = more;
  const references = JSON.parse(String(pictures)) as PictureReference[];
  const hasBoxes = task === "detection" || task === "grounding";
  return {
    source: String(source),
    id: String(id),
    question: String(question ?? ""),
    options: (options ?? []) as string[],
    gold: hasBoxes ? ownerBoxes((read ?? []) as PixelBox[]) : String(answer),
    goldBoxes: hasBoxes ? relativeBoxes((boxes ?? []) as PixelBox[], Number(width), Number(height)) : [],
    consensus: JSON.parse(String(consensus)) as Suspect["consensus"],
    suspicion: Number(suspicion),
    answers: Number(answers),
    goldCount: Number(goldCount),
    consensusCount: Number(consensusCount),
    classes: JSON.parse(String(classes)) as AnswerClass[],
    agreed: JSON.parse(String(agreed)) as AgreedBox[],
    picture: references[0] === undefined ? null : await thumbnail(references[0], PICTURE_SIDE),
    pictureCount: references.length,
    droppedBy: rule === null ? null : (rules[Number(rule)]?.name ?? null),
  };
}
