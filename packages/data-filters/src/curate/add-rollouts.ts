/**
 * Puts a model's rollouts beside the rows that they answer: each is judged by the verifiers, unless its file states a
 * verdict, and `rows` gains their number and their mean accuracy. If they saw the pictures, they also show which golds
 * look wrong.
 *
 * Verdicts that say nothing (a gold that cannot be read, a verifier out of budget) are left out.
 */
import { BIGINT, BOOLEAN, DOUBLE, INTEGER, VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import { boxedGroundTruth, DatasetError, detectionGroundTruth } from "@v-triune/schema";
import { conventionOfModel, type BoxConvention } from "@v-triune/verifiers/detection";
import type { PixelBox } from "../adapters/source-adapter";
import { literal, queryRows, type Database } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { resizedSize } from "../rules/token-count";
import { columnsOfRows, joinToRows, ROWS } from "../tables/curation-tables";
import { fillTable, type Cells } from "../tables/fill-table";
import type { JudgeRequest } from "../workers/text-tasks";
import type { TextWorkers } from "../workers/text-workers";
import { addSuspicions, type SourceGolds } from "./add-suspicions";
import { relativeBoxes } from "./build-sample";
import { readRollouts } from "./read-rollouts";

/** What is added, and by what. */
export interface AddRolloutsOptions {
  /** Parquet, JSON or JSON Lines files, folders of them, or globs. */
  readonly files: readonly string[];
  /** The convention of boxes in responses. Default: that of the model that a record names, else "resized-pixels". */
  readonly boxes?: BoxConvention | undefined;
  /** The `data_source` that samples of a source (its key) have on disk. */
  readonly dataSources: ReadonlyMap<string, string>;
  /** The type of the golds of each source, by its position: `verifier_parm.type` of its samples. */
  readonly answerTypes?: readonly (string | undefined)[];
  readonly workers: TextWorkers;
  readonly signal?: AbortSignal | undefined;
  /** Whether the rollouts were made without the pictures. */
  readonly blind: boolean;
}

/** The columns of `rows` that rollouts with and without the pictures add. */
const ADDED = {
  seen: { rollout_count: "n", right_count: rightCount(), mean_accuracy: "mean" },
  blind: { blind_count: "n", blind_right: rightCount(), blind_accuracy: "mean" },
} as const;
/** One answer without the picture may be a lucky guess. */
const LEAST_BLIND = 2;

const ROLLOUTS = "rollouts";
const ROLLOUT_COLUMNS = {
  source: VARCHAR,
  id: VARCHAR,
  response: VARCHAR,
  accuracy: DOUBLE,
  model: VARCHAR,
  blind: BOOLEAN,
};
/** Rollouts with the row that they answer, and their place in the files. */
export const PLACED = "placed_rollouts";
const MEANS = "mean_accuracies";
/** `half` and `whole` count accuracies from 0.5 and from 1 on. */
const MEAN_COLUMNS = { row: BIGINT, n: INTEGER, mean: DOUBLE, half: INTEGER, whole: INTEGER };

/** A right answer has accuracy 1; right boxes have 0.5 or more, as in metrics of training. */
function rightCount(): string {
  return "CASE WHEN boxes IS NULL THEN whole ELSE half END";
}

/**
 * Adds `rollout_count`, `mean_accuracy` and what golds look wrong (add-suspicions.ts) to `rows`, for the rows of
 * `relation`; `blind_count` and `blind_accuracy` for rollouts that were made without the pictures.
 *
 * @returns what the rollouts say about the golds of each source; nothing for blind ones
 * @throws DatasetError for a file that is missing or damaged, a record of another form, or files that answer other rows
 *   only
 */
export async function addRollouts(
  { connection, writer }: Database,
  relation: string,
  { files, boxes, dataSources, answerTypes = [], workers, signal, blind }: AddRolloutsOptions,
): Promise<readonly SourceGolds[]> {
  await fillTable(writer, ROLLOUTS, ROLLOUT_COLUMNS, cellsOf(readRollouts(connection, files, signal)));
  await placeRollouts(connection, dataSources);
  await forgetReplaced(connection);
  const [counts] = await queryRows(connection, `SELECT count(*) AS n, count(row) AS placed FROM ${PLACED}`);
  if (Number(counts?.n) > 0 && Number(counts?.placed) === 0) throw await otherRows(connection, files);
  await checkBlind(connection, files, blind);
  const verdicts = judgeRollouts({ connection, relation, workers, boxes, signal });
  await fillTable(writer, MEANS, MEAN_COLUMNS, meansByRow(verdicts));
  if (blind) await checkAnswers(connection, files);
  await joinToRows(connection, { relation: MEANS, add: blind ? ADDED.blind : ADDED.seen });
  const golds = blind
    ? []
    : await addSuspicions({ connection, writer }, relation, { rollouts: PLACED, boxes, answerTypes, workers, signal });
  for (const table of [ROLLOUTS, PLACED, MEANS]) await connection.run(`DROP TABLE ${table}`);
  return golds;
}

/** A verdict that a file states is about the gold as it was: where a person replaced it, responses are judged again. */
async function forgetReplaced(connection: DuckDBConnection): Promise<void> {
  if (!(await columnsOfRows(connection)).has("gold_decision")) return;
  const replaced = `row IN (SELECT row FROM ${ROWS} WHERE gold_decision = 'replace')`;
  await connection.run(`UPDATE ${PLACED} SET accuracy = NULL WHERE ${replaced}`);
  await connection.run(`DELETE FROM ${PLACED} WHERE response IS NULL AND accuracy IS NULL`);
}

/**
 * Rollouts with and without the pictures must not be taken for each other. Files of elsewhere do not say which they
 * are.
 */
async function checkBlind(connection: DuckDBConnection, files: readonly string[], blind: boolean): Promise<void> {
  const [wrong] = await queryRows(connection, `SELECT count(*) AS n FROM ${ROLLOUTS} WHERE blind = ${!blind}`);
  if (Number(wrong?.n) === 0) return;
  throw new DatasetError({
    code: "bad-option",
    file: files.join(", "),
    field: blind ? "blindRollouts" : "rollouts",
    expected: blind ? "rollouts without the pictures" : "rollouts with the pictures",
    found: blind ? "rollouts with them" : "rollouts of v-triune rollout --blind",
    fix: blind ? "make them by v-triune rollout --blind, into a folder of its own" : "name them under blindRollouts",
  });
}

async function checkAnswers(connection: DuckDBConnection, files: readonly string[]): Promise<void> {
  const [most] = await queryRows(connection, `SELECT max(n) AS n FROM ${MEANS}`);
  if (most?.n === null || Number(most?.n) >= LEAST_BLIND) return;
  throw new DatasetError({
    code: "bad-option",
    file: files.join(", "),
    field: "blindRollouts",
    expected: `at least ${LEAST_BLIND} answers per row`,
    found: `${Number(most?.n)}`,
    fix: "run v-triune rollout --blind again with --n 8; the answers that are there are kept",
  });
}

async function* cellsOf<T extends object>(records: AsyncIterable<T>): AsyncGenerator<Cells> {
  for await (const record of records) yield { ...record } as Cells;
}

/**
 * Finds the row of each rollout. An id may itself end in #n, so the whole id is looked up first. CASE keeps the second
 * join an equality, which DuckDB hashes.
 */
async function placeRollouts(
  connection: DuckDBConnection,
  dataSources: AddRolloutsOptions["dataSources"],
): Promise<void> {
  const names = [...dataSources].map(([key, name]) => `(${literal(key)}, ${literal(name)})`);
  await connection.run(`CREATE OR REPLACE TABLE ${PLACED} AS
    WITH places AS (SELECT source, id, row FROM ${ROWS} UNION
      SELECT name, id, row FROM ${ROWS} JOIN (VALUES ${names.join(", ")}) n(source, name) USING (source))
    SELECT coalesce(p.row, q.row) AS row, o.rowid AS place, response, accuracy, model FROM ${ROLLOUTS} o
      LEFT JOIN places p ON p.source = o.source AND p.id = o.id
      LEFT JOIN places q ON q.source = o.source
        AND q.id = CASE WHEN p.row IS NULL THEN regexp_replace(o.id, '#[0-9]+$', '') END`);
}

/** The error for rollouts of another corpus. Without it the rule would keep every row and say nothing. */
async function otherRows(connection: DuckDBConnection, files: readonly string[]): Promise<DatasetError> {
  const [found] = await queryRows(connection, `SELECT source || '/' || id AS name FROM ${ROLLOUTS} LIMIT 1`);
  const [wanted] = await queryRows(connection, `SELECT source || '/' || id AS name FROM ${ROWS} LIMIT 1`);
  return new DatasetError({
    code: "bad-option",
    file: files.join(", "),
    field: "rollouts",
    expected: `rollouts on the rows of this run, such as ${String(wanted?.name)}`,
    found: `none; the first is on ${String(found?.name)}`,
    fix: "write a row's source and id as the corpus has them (data_source and extra_info.id of its samples)",
  });
}

/** The verdict on one rollout. */
interface RowVerdict {
  readonly row: bigint;
  /** Null if the verdict says nothing. */
  readonly accuracy: number | null;
}

/** The rollouts to judge, and what judges them. */
interface Judging {
  readonly connection: DuckDBConnection;
  readonly relation: string;
  readonly workers: TextWorkers;
  readonly boxes: BoxConvention | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A rollout on its way: its stated verdict, or null while the workers judge it. */
interface Waiting {
  readonly row: bigint;
  readonly stated: number | null;
}

/** Verdicts in the order of the rows, and of the files for each row. */
async function* judgeRollouts(judging: Judging): AsyncGenerator<RowVerdict> {
  const { connection, relation, workers } = judging;
  const [count] = await queryRows(
    connection,
    `SELECT count(*) AS n FROM ${relation} JOIN ${PLACED} USING (row) WHERE accuracy IS NULL`,
  );
  const waiting: Waiting[] = [];
  for await (const judged of workers.compute("judged", requests(judging, waiting), Number(count?.n))) {
    for (const verdict of judged) {
      yield* takeStated(waiting);
      const { row } = waiting.shift() as Waiting;
      yield { row, accuracy: verdict === "" ? null : Number(verdict) };
    }
  }
  yield* takeStated(waiting);
}

/** Takes the rollouts at the head of the queue whose files state a verdict. */
function takeStated(waiting: Waiting[]): RowVerdict[] {
  const until = waiting.findIndex(({ stated }) => stated === null);
  return waiting.splice(0, until < 0 ? waiting.length : until).map(({ row, stated }) => ({ row, accuracy: stated }));
}

/** What the workers are asked. Every rollout, in order, goes into `waiting`. */
async function* requests(
  { connection, relation, boxes: convention, signal }: Judging,
  waiting: Waiting[],
): AsyncGenerator<string> {
  const sql = `SELECT r.row, r.task, r.answer, r.boxes, r.width, r.height, o.response, o.accuracy, o.model
    FROM ${relation} r JOIN ${PLACED} o USING (row) ORDER BY r.row, o.place`;
  for await (const chunk of readChunks(connection, sql, { signal })) {
    for (const [row, task, answer, boxes, width, height, response, accuracy, model] of plainRows(chunk)) {
      const stated = accuracy as number | null;
      const isBox = task === "detection" || task === "grounding";
      // Boxes need the size of their picture; without it there is no verdict.
      if (stated === null && isBox && !(Number(width) >= 1 && Number(height) >= 1)) continue;
      waiting.push({ row: BigInt(row as number), stated });
      if (stated !== null) continue;
      const request = isBox
        ? {
            ...boxRequest(String(response), (boxes ?? []) as PixelBox[], Number(width), Number(height)),
            boxes: convention ?? (typeof model === "string" ? conventionOfModel(model) : undefined),
          }
        : { response: String(response), groundTruth: boxedGroundTruth(String(answer)) };
      yield JSON.stringify(request);
    }
  }
}

/** The picture's sizes: as it is stored, and as Qwen2.5-VL's processor resizes it. */
function boxRequest(response: string, boxes: readonly PixelBox[], width: number, height: number): JudgeRequest {
  return {
    response,
    groundTruth: detectionGroundTruth(relativeBoxes(boxes, width, height)),
    seen: resizedSize(width, height),
    stored: { width, height },
  };
}

/** One row of `mean_accuracies` for each row that has a verdict. */
async function* meansByRow(verdicts: AsyncIterable<RowVerdict>): AsyncGenerator<Cells> {
  let row = 0n;
  let seen: number[] = [];
  const cells = (): Cells => ({
    row,
    n: seen.length,
    mean: seen.reduce((sum, accuracy) => sum + accuracy, 0) / seen.length,
    half: seen.filter((accuracy) => accuracy >= 0.5).length,
    whole: seen.filter((accuracy) => accuracy >= 1).length,
  });
  for await (const verdict of verdicts) {
    if (verdict.row !== row) {
      if (seen.length > 0) yield cells();
      row = verdict.row;
      seen = [];
    }
    if (verdict.accuracy !== null) seen.push(verdict.accuracy);
  }
  if (seen.length > 0) yield cells();
}
