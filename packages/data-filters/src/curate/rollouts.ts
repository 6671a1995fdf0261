/**
 * Rollouts of a model on the rows of a run, read from files and judged by the verifiers: what the difficulty filter stands on.
 *
 * A record is one of
 * - `{source, id, response}` or `{source, id, responses: [..]}`, judged here;
 * - `{source, id, accuracy}` (0..1), judged elsewhere; a null accuracy is judged here;
 * - a line of an OpenAI batch output, as vLLM writes it: `{custom_id: "source/id", response: {body: {choices: [..]}}}`.
 *
 * `source` is a source's key or the `data_source` of its samples. `custom_id` may end in `#n`. Other columns are not looked at.
 * Verdicts that are no verdicts (a gold that cannot be read, a verifier out of budget) are left out.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BIGINT, DOUBLE, INTEGER, VARCHAR, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import { boxedGroundTruth, DatasetError, detectionGroundTruth } from "@v-triune/schema";
import type { PixelBox } from "../adapters/source-adapter";
import { fileRecords, isRecord, textOf, type TableRecord } from "../adapters/table-records";
import { literal, queryRows, type Database } from "../duckdb/database";
import { fillTable } from "../duckdb/fill-table";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { resizedSize } from "../rules/token-count";
import { parquetFiles } from "../samples/parquet-files";
import type { JudgeRequest } from "../workers/text-tasks";
import type { TextWorkers } from "../workers/text-workers";
import { relativeBoxes } from "./build-sample";

interface RolloutRow {
  readonly source: string;
  readonly id: string;
  readonly response: string | null;
  readonly accuracy: number | null;
}

/**
 * Adds `rollout_count` and `mean_accuracy` to `rows`, for the rows of `relation`.
 *
 * @param files Parquet, JSON or JSON Lines files, folders of them, or globs
 * @param dataSources what samples of a source (its key) are called on disk
 * @throws DatasetError for a missing file, a record that is none of the above, or files that are all about other rows
 */
export async function addRollouts(
  { connection, writer }: Database,
  relation: string,
  files: readonly string[],
  dataSources: ReadonlyMap<string, string>,
  workers: TextWorkers,
  signal: AbortSignal | undefined,
): Promise<void> {
  const columns = [
    ["source", VARCHAR],
    ["id", VARCHAR],
    ["response", VARCHAR],
    ["accuracy", DOUBLE],
  ] as const;
  await fillTable(writer, "rollouts", columns, readRollouts(connection, files, signal));
  const names = [...dataSources].map(([key, name]) => `(${literal(key)}, ${literal(name)})`);
  // An id may itself end in #n: the whole id is looked up first. CASE keeps the second join an equality, which DuckDB hashes.
  await connection.run(`CREATE OR REPLACE TABLE placed AS
    WITH places AS (SELECT source, id, row FROM rows UNION
      SELECT name, id, row FROM rows JOIN (VALUES ${names.join(", ")}) n(source, name) USING (source))
    SELECT coalesce(p.row, q.row) AS row, response, accuracy FROM rollouts o
      LEFT JOIN places p ON p.source = o.source AND p.id = o.id
      LEFT JOIN places q ON q.source = o.source AND q.id = CASE WHEN p.row IS NULL THEN regexp_replace(o.id, '#[0-9]+$', '') END`);
  const [counts] = await queryRows(connection, "SELECT count(*) AS n, count(row) AS placed FROM placed");
  if (Number(counts?.n) > 0 && Number(counts?.placed) === 0) throw await strangers(connection, files);
  await fillTable(
    writer,
    "judged",
    [
      ["row", BIGINT],
      ["n", INTEGER],
      ["mean", DOUBLE],
    ],
    judge(connection, relation, workers, signal),
  );
  await connection.run(`CREATE OR REPLACE TABLE rows AS
    SELECT rows.*, n AS rollout_count, mean AS mean_accuracy FROM rows LEFT JOIN judged USING (row) ORDER BY row`);
  for (const table of ["rollouts", "placed", "judged"]) await connection.run(`DROP TABLE ${table}`);
}

/** The error for rollouts of another corpus: with none that fits, the rule would keep every row and say nothing. */
async function strangers(connection: DuckDBConnection, files: readonly string[]): Promise<DatasetError> {
  const [found] = await queryRows(connection, "SELECT source || '/' || id AS name FROM rollouts LIMIT 1");
  const [wanted] = await queryRows(connection, "SELECT source || '/' || id AS name FROM rows LIMIT 1");
  return new DatasetError({
    code: "bad-option",
    file: files.join(", "),
    field: "rollouts",
    expected: `rollouts on the rows of this run, such as ${String(wanted?.name)}`,
    found: `none; the first is on ${String(found?.name)}`,
    fix: "write a row's source and id as the corpus has them (data_source and extra_info.id of its samples)",
  });
}

async function* readRollouts(
  connection: DuckDBConnection,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<DuckDBValue[]> {
  const fail = (error: DatasetError): never => {
    throw error;
  };
  const context = { folder: "", connection, settings: {}, spool: () => ({ name: "", file: "" }), bad: fail, signal };
  for (const file of await rolloutFiles(connection, paths)) {
    for await (const record of fileRecords(context, file)) {
      signal?.throwIfAborted();
      for (const { source, id, response, accuracy } of rolloutRows(record)) yield [source, id, response, accuracy];
    }
  }
}

/** As for corpora, but a folder's JSON Lines count, too. */
async function rolloutFiles(connection: DuckDBConnection, paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const lines =
      existsSync(path) && statSync(path).isDirectory()
        ? readdirSync(path)
            .filter((name) => /\.jsonl?$/.test(name))
            .sort()
        : [];
    if (lines.length > 0) files.push(...lines.map((name) => join(path, name)));
    if (lines.length === 0 || readdirSync(path).some((name) => name.endsWith(".parquet")))
      files.push(...(await parquetFiles(connection, path)));
  }
  return files;
}

function rolloutRows(record: TableRecord): RolloutRow[] {
  const { value } = record;
  const wrong = (field: string, expected: string): DatasetError =>
    new DatasetError({
      code: "wrong-layout",
      file: record.file,
      row: record.row,
      field,
      expected,
      found: Object.keys(value).slice(0, 8).join(", "),
      fix: "write {source, id, response}, {source, id, accuracy} or an OpenAI batch output with custom_id source/id",
    });
  const custom = textOf(value.custom_id);
  const whole = custom ?? textOf(value.id) ?? textOf(value.sample_id);
  if (whole === null || whole === undefined) throw wrong("id", "an id or a custom_id");
  const stated = custom === null ? (textOf(value.source) ?? textOf(value.data_source)) : null;
  const source = stated ?? whole.slice(0, Math.max(0, whole.indexOf("/")));
  const id = stated === null ? whole.slice(whole.indexOf("/") + 1) : whole;
  if (source === "") throw wrong("source", "a source, or an id of the form source/id");
  const row = { source, id, response: null, accuracy: null };
  if (typeof value.accuracy === "number") return [{ ...row, accuracy: value.accuracy }];
  if (typeof value.correct === "boolean") return [{ ...row, accuracy: value.correct ? 1 : 0 }];
  const responses = responsesOf(value);
  if (responses === null) throw wrong("response", "response, responses or accuracy");
  return responses.map((response) => ({ ...row, response }));
}

function responsesOf(value: Readonly<Record<string, unknown>>): string[] | null {
  const texts = (list: readonly unknown[]): string[] => list.map(textOf).filter((text) => text !== null);
  if (typeof value.response === "string") return [value.response];
  if (Array.isArray(value.responses)) return texts(value.responses);
  const body = isRecord(value.response) ? value.response.body : undefined;
  if (!isRecord(body) || !Array.isArray(body.choices)) return null;
  return texts(
    body.choices.map((choice: unknown) =>
      isRecord(choice) ? (isRecord(choice.message) ? choice.message.content : choice.text) : null,
    ),
  );
}

/** A rollout on its way through the workers. */
interface Asked {
  readonly row: bigint;
  /** The verdict that its record states; null when it is judged here. */
  readonly accuracy: number | null;
}

/** One row of `judged` for each row of the run that has a verdict. */
async function* judge(
  connection: DuckDBConnection,
  relation: string,
  workers: TextWorkers,
  signal: AbortSignal | undefined,
): AsyncGenerator<DuckDBValue[]> {
  const [count] = await queryRows(
    connection,
    `SELECT count(*) AS n FROM ${relation} JOIN placed USING (row) WHERE accuracy IS NULL`,
  );
  const asked: Asked[] = [];
  let current: { row: bigint; n: number; sum: number } | null = null;
  const add = ({ row }: Asked, score: number | null): DuckDBValue[] | null => {
    const done =
      current !== null && current.row !== row && current.n > 0
        ? [current.row, current.n, current.sum / current.n]
        : null;
    if (current === null || current.row !== row) current = { row, n: 0, sum: 0 };
    if (score !== null) {
      current.n++;
      current.sum += score;
    }
    return done;
  };
  for await (const verdicts of workers.compute(
    "judged",
    requests(connection, relation, asked, signal),
    Number(count?.n),
  )) {
    for (const verdict of verdicts) {
      for (const one of takeStated(asked)) yield* some(add(one, one.accuracy));
      yield* some(add(asked.shift() as Asked, verdict === "" ? null : Number(verdict)));
    }
  }
  for (const one of takeStated(asked)) yield* some(add(one, one.accuracy));
  yield* some(add({ row: -1n, accuracy: null }, null));
}

/** The rollouts at the head of the queue whose records state a verdict. */
function takeStated(asked: Asked[]): Asked[] {
  const until = asked.findIndex(({ accuracy }) => accuracy === null);
  return asked.splice(0, until < 0 ? asked.length : until);
}

function some<T>(value: T | null): readonly T[] {
  return value === null ? [] : [value];
}

/** What the workers are to judge; every rollout, in order, goes into `asked`. */
async function* requests(
  connection: DuckDBConnection,
  relation: string,
  asked: Asked[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const sql = `
    SELECT r.row, r.task, r.answer, r.boxes, r.width, r.height, o.response, o.accuracy
    FROM ${relation} r JOIN placed o USING (row) ORDER BY r.row`;
  for await (const chunk of readChunks(connection, sql, { signal })) {
    for (const [row, task, answer, boxes, width, height, response, stated] of plainRows(chunk)) {
      const accuracy = stated as number | null;
      const isBox = task === "detection" || task === "grounding";
      // Boxes need the size of their picture; without it there is no verdict.
      if (accuracy === null && isBox && !(Number(width) >= 1 && Number(height) >= 1)) continue;
      asked.push({ row: BigInt(row as number), accuracy });
      if (accuracy !== null) continue;
      const request = isBox
        ? boxRequest(String(response), (boxes ?? []) as PixelBox[], Number(width), Number(height))
        : { response: String(response), groundTruth: boxedGroundTruth(String(answer)) };
      yield JSON.stringify(request);
    }
  }
}

/** Predictions are pixels of the picture as Qwen2.5-VL's processor resizes it. */
function boxRequest(response: string, boxes: readonly PixelBox[], width: number, height: number): JudgeRequest {
  return {
    response,
    groundTruth: detectionGroundTruth(relativeBoxes(boxes, width, height)),
    seen: resizedSize(width, height),
  };
}
