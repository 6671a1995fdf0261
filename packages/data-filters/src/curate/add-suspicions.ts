/**
 * Finds golds that look wrong: the responses of each row are grouped by what they say (golds/agreement.ts), a source's
 * rows show how its model errs, and each row gets the chance that its gold is wrong (golds/suspicion-model.ts).
 *
 * DuckDB holds the responses. Here, one row's responses are in memory at a time, and the different divisions of a
 * source, of which there are some hundred.
 */
import { BIGINT, DOUBLE, INTEGER, LIST, listValue, VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import { boxedGroundTruth } from "@v-triune/schema";
import { conventionOfModel, type BoxConvention } from "@v-triune/verifiers/detection";
import type { PixelBox } from "../adapters/source-adapter";
import { queryRows, type Database } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import type { Agreement, AgreementRequest } from "../golds/agreement";
import type { StatedResponse } from "../golds/answer-classes";
import { divisionOf, fitSource, suspicionOf, type SourceBehavior } from "../golds/suspicion-model";
import { resizedSize } from "../rules/token-count";
import { columnsOfRows, joinToRows } from "../tables/curation-tables";
import { fillTable, type Cells } from "../tables/fill-table";
import type { TextWorkers } from "../workers/text-workers";
import { relativeBoxes } from "./build-sample";

/** Agreements of all rows with rollouts: what a person is shown. It stays until the end of the run. */
export const AGREEMENTS = "agreements";
const AGREEMENT_COLUMNS = {
  row: BIGINT,
  part: INTEGER,
  sites: LIST(VARCHAR),
  elsewhere: LIST(VARCHAR),
  answers: INTEGER,
  gold_count: INTEGER,
  consensus_count: INTEGER,
  /** JSON: a text, a list of boxes, or null. */
  consensus: VARCHAR,
  /** JSON: `AnswerClass[]`, and `AgreedBox[]`. */
  classes: VARCHAR,
  agreed: VARCHAR,
};
const SUSPICIONS = "suspicions";
const SUSPICION_COLUMNS = { part: INTEGER, key: VARCHAR, suspicion: DOUBLE };

/** Further responses to a row are left out: they would add little. */
const MOST_RESPONSES = 64;

/** What the rollouts say about the golds of a source. */
export interface SourceGolds {
  /** Position of the source. */
  readonly part: number;
  /** Rows of which the golds were looked at. */
  readonly rows: number;
  readonly behavior: SourceBehavior;
}

/** What the responses are, and by what they are read. */
export interface AddSuspicionsOptions {
  /** The table of the rollouts, with row, place, response, accuracy and model. */
  readonly rollouts: string;
  readonly boxes: BoxConvention | undefined;
  readonly answerTypes: readonly (string | undefined)[];
  readonly workers: TextWorkers;
  readonly signal: AbortSignal | undefined;
}

/**
 * Adds the columns of the need `golds` to `rows`, for the rows of `relation`. Golds that a person has decided on are
 * not suspected again.
 */
export async function addSuspicions(
  { connection, writer }: Pick<Database, "connection" | "writer">,
  relation: string,
  options: AddSuspicionsOptions,
): Promise<SourceGolds[]> {
  await fillTable(writer, AGREEMENTS, AGREEMENT_COLUMNS, agreements(connection, relation, options));
  const golds = await fitSources(connection);
  await fillTable(writer, SUSPICIONS, SUSPICION_COLUMNS, await suspicions(connection, golds));
  const isDecided = (await columnsOfRows(connection)).has("gold_decision") ? "gold_decision IS NOT NULL" : "false";
  await joinToRows(connection, {
    relation: `(SELECT row, a.answers, a.gold_count, a.consensus_count, s.suspicion,
        CASE WHEN consensus = 'null' THEN NULL WHEN starts_with(consensus, '"') THEN consensus ->> '$' ELSE consensus END AS consensus
      FROM ${AGREEMENTS} a JOIN (
        SELECT row, max(suspicion) AS suspicion
        FROM (SELECT row, part, unnest(list_concat(sites, elsewhere)) AS key FROM ${AGREEMENTS})
          JOIN ${SUSPICIONS} USING (part, key) GROUP BY row) s USING (row))`,
    add: {
      gold_suspicion: `CASE WHEN ${isDecided} THEN NULL ELSE suspicion END`,
      answer_count: "answers",
      gold_count: "gold_count",
      consensus: "consensus",
      consensus_count: "consensus_count",
    },
  });
  await connection.run(`DROP TABLE ${SUSPICIONS}`);
  return golds;
}

async function* agreements(
  connection: DuckDBConnection,
  relation: string,
  options: AddSuspicionsOptions,
): AsyncGenerator<Cells> {
  const [count] = await queryRows(
    connection,
    `SELECT count(DISTINCT row) AS n FROM ${relation} JOIN ${options.rollouts} USING (row) WHERE response IS NOT NULL`,
  );
  const waiting: { readonly row: bigint; readonly part: number }[] = [];
  const texts = requests(connection, relation, options, (row) => waiting.push(row));
  for await (const batch of options.workers.compute("agreement", texts, Number(count?.n))) {
    for (const text of batch) {
      const { row, part } = waiting.shift()!;
      if (text === "") continue;
      const found = JSON.parse(text) as Agreement;
      yield {
        row,
        part,
        sites: listValue([...found.sites]),
        elsewhere: listValue([...found.elsewhere]),
        answers: found.answers,
        gold_count: found.goldCount,
        consensus_count: found.consensusCount,
        consensus: JSON.stringify(found.consensus),
        classes: JSON.stringify(found.classes),
        agreed: JSON.stringify(found.agreed),
      };
    }
  }
}

/** One request per row. */
async function* requests(
  connection: DuckDBConnection,
  relation: string,
  options: AddSuspicionsOptions,
  tell: (row: { readonly row: bigint; readonly part: number }) => void,
): AsyncGenerator<string> {
  const sql = `SELECT r.row, r.part, r.task, r.answer, r.options, r.boxes, r.width, r.height, o.response, o.accuracy, o.model
    FROM ${relation} r JOIN ${options.rollouts} o USING (row) WHERE o.response IS NOT NULL ORDER BY r.row, o.place`;
  let open: { readonly row: bigint; readonly part: number; readonly request: OpenRequest } | undefined;
  const take = function* (): Generator<string> {
    if (open === undefined) return;
    tell(open);
    yield JSON.stringify(open.request);
  };
  for await (const chunk of readChunks(connection, sql, { signal: options.signal })) {
    for (const cells of plainRows(chunk)) {
      const row = BigInt(cells[0] as number);
      if (open?.row !== row) {
        yield* take();
        const request = requestOf(cells, options);
        open = request === null ? undefined : { row, part: Number(cells[1]), request };
      }
      if (open !== undefined && open.request.responses.length < MOST_RESPONSES)
        open.request.responses.push({ text: String(cells[8]), accuracy: cells[9] as number | null });
    }
  }
  yield* take();
}

type OpenRequest = AgreementRequest & { readonly responses: StatedResponse[] };

/** The request of a row, without responses; null for boxes of a picture whose size is not known. */
function requestOf(
  cells: readonly unknown[],
  { boxes: convention, answerTypes }: AddSuspicionsOptions,
): OpenRequest | null {
  const [, part, task, answer, choices, boxes, width, height, , , model] = cells;
  if (task !== "detection" && task !== "grounding") {
    const hints = { type: answerTypes[Number(part)], choices: (choices ?? undefined) as string[] | undefined };
    return { responses: [], gold: boxedGroundTruth(String(answer)), hints };
  }
  const stored = { width: Number(width), height: Number(height) };
  if (!(stored.width >= 1 && stored.height >= 1)) return null;
  const written = convention ?? (typeof model === "string" ? conventionOfModel(model) : undefined);
  return {
    responses: [],
    gold: relativeBoxes((boxes ?? []) as PixelBox[], stored.width, stored.height),
    seen: resizedSize(stored.width, stored.height),
    stored,
    ...(written !== undefined && { boxes: written }),
  };
}

async function fitSources(connection: DuckDBConnection): Promise<SourceGolds[]> {
  const counts = await queryRows(
    connection,
    `SELECT part, key, count(*) AS n FROM (SELECT part, unnest(sites) AS key FROM ${AGREEMENTS}) GROUP BY ALL ORDER BY ALL`,
  );
  const rows = await queryRows(connection, `SELECT part, count(*) AS n FROM ${AGREEMENTS} GROUP BY part ORDER BY part`);
  return rows.map(({ part, n }) => {
    const own = counts.filter((count) => count.part === part);
    const divisions = own.map(({ key, n: count }) => ({ division: divisionOf(String(key)), count: Number(count) }));
    const all = divisions.reduce((sum, { count }) => sum + count, 0);
    return { part: Number(part), rows: Number(n), behavior: fitSource(divisions, all / Number(n)) };
  });
}

async function suspicions(connection: DuckDBConnection, golds: readonly SourceGolds[]): Promise<Cells[]> {
  const keys = await queryRows(
    connection,
    `SELECT DISTINCT part, unnest(list_concat(sites, elsewhere)) AS key FROM ${AGREEMENTS} ORDER BY ALL`,
  );
  return keys.map(({ part, key }) => {
    const { behavior } = golds.find((one) => one.part === part)!;
    return { part: Number(part), key: String(key), suspicion: suspicionOf(divisionOf(String(key)), behavior) };
  });
}
