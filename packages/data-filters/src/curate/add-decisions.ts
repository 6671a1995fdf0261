/**
 * Applies a person's decisions on golds, before any rule looks at the rows: `rows` gains `gold_decision`, and replaced
 * golds take the place of the owner's. A decision holds only for the question and the gold that the person saw.
 */
import { BIGINT, INTEGER, VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import type { PixelBox } from "../adapters/source-adapter";
import { queryRows } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { readDecisions } from "../golds/decisions-file";
import type { AppliedDecisions, GoldDecision, OwnerBox } from "../golds/gold-decision";
import { BOXES, boxesValue, joinToRows, ROWS } from "../tables/curation-tables";
import { fillTable, type Cells } from "../tables/fill-table";
import type { CurationRun } from "./curation-run";

const ASKED = "asked_decisions";
const DECIDED = "decided";
const DECIDED_COLUMNS = { row: BIGINT, decision: VARCHAR, answer: VARCHAR, boxes: BOXES };

/**
 * Adds `gold_decision` to `rows`.
 *
 * @throws DatasetError for a file that cannot be read, and if no decision is on a row of the run
 */
export async function addDecisions({ bound, database, found, options }: CurationRun): Promise<void> {
  const { connection, writer } = database;
  const file = bound.config.decisions as string;
  const decisions = readDecisions(file);
  const asked = decisions.map(({ source, id }, number) => ({ number, source, id }));
  await fillTable(writer, ASKED, { number: INTEGER, source: VARCHAR, id: VARCHAR }, asked);
  const rows = { accept: 0, reject: 0, replace: 0 };
  const met = new Map<number, "known" | "held">();
  async function* decided(): AsyncGenerator<Cells> {
    const sql = `SELECT row, number, question, answer, boxes, task IN ('detection', 'grounding') AS has_boxes
      FROM ${ROWS} JOIN ${ASKED} USING (source, id) ORDER BY row, number`;
    for await (const chunk of readChunks(connection, sql, { signal: options.signal })) {
      for (const [row, number, question, answer, boxes, hasBoxes] of plainRows(chunk)) {
        const decision = decisions[Number(number)]!;
        const gold = hasBoxes === true ? ownerBoxes((boxes ?? []) as PixelBox[]) : String(answer);
        const holds = decision.question === String(question ?? "") && isSameGold(decision.gold, gold);
        if (!holds) {
          if (!met.has(Number(number))) met.set(Number(number), "known");
          continue;
        }
        met.set(Number(number), "held");
        rows[decision.decision]++;
        yield { row: BigInt(Number(row)), decision: decision.decision, ...replacementOf(decision) };
      }
    }
  }
  await fillTable(writer, DECIDED, DECIDED_COLUMNS, decided());
  await joinToRows(connection, {
    relation: `(SELECT row, decision, ${DECIDED}.answer AS new_answer, ${DECIDED}.boxes AS new_boxes FROM ${DECIDED})`,
    replace: {
      answer: "coalesce(new_answer, answer)",
      boxes: "coalesce(new_boxes, boxes)",
      box_unit: "CASE WHEN new_boxes IS NULL THEN box_unit ELSE 'relative' END",
    },
    add: { gold_decision: "decision" },
  });
  for (const table of [ASKED, DECIDED]) await connection.run(`DROP TABLE ${table}`);
  const named = (wanted: "known" | undefined): string[] =>
    decisions.filter((_, number) => met.get(number) === wanted).map(({ source, id }) => `${source}/${id}`);
  found.decisions = { file, rows, stale: named("known"), unknown: named(undefined), decisions };
  if (decisions.length > 0 && met.size === 0) throw await ofOtherRows(connection, file, decisions[0]!);
}

function replacementOf({ replacement }: GoldDecision): Cells {
  if (replacement === undefined) return {};
  if (typeof replacement === "string") return { answer: replacement };
  const boxes = replacement.map(({ bbox_2d: [x1, y1, x2, y2], label }) => ({ x1, y1, x2, y2, label }));
  return { boxes: boxesValue(boxes) };
}

/** Boxes as a file of decisions has them. */
export function ownerBoxes(boxes: readonly PixelBox[]): OwnerBox[] {
  return boxes.map(({ x1, y1, x2, y2, label }) => ({ bbox: [x1, y1, x2, y2], label }));
}

function isSameGold(a: GoldDecision["gold"], b: GoldDecision["gold"]): boolean {
  const plain = (gold: GoldDecision["gold"]): string =>
    typeof gold === "string" ? gold : JSON.stringify(gold.map(({ bbox, label }) => [bbox, label]));
  return typeof a === typeof b && plain(a) === plain(b);
}

async function ofOtherRows(
  connection: DuckDBConnection,
  file: string,
  { source, id }: GoldDecision,
): Promise<DatasetError> {
  const [wanted] = await queryRows(connection, `SELECT source || '/' || id AS name FROM ${ROWS} LIMIT 1`);
  return new DatasetError({
    code: "bad-option",
    file,
    field: "decisions",
    expected: `decisions on the rows of this run, for example ${String(wanted?.name ?? "(none)")}`,
    found: `none; the first is on ${source}/${id}`,
    fix: "name the decisions that were saved from the report of this corpus",
  });
}

const MOST_NAMED = 5;

/** One sentence or two for each kind of decision that was not applied. */
export function decisionWarnings({ file, stale, unknown }: AppliedDecisions): string[] {
  const list = (ids: readonly string[]): string =>
    `${ids.slice(0, MOST_NAMED).join(", ")}${ids.length > MOST_NAMED ? ", .." : ""}`;
  const count = (ids: readonly string[]): string => `${ids.length} ${ids.length === 1 ? "decision" : "decisions"}`;
  return [
    ...(stale.length > 0
      ? [
          `${count(stale)} of ${file} not applied, since the question or the gold has changed: ${list(stale)}. ` +
            "Review these rows again.",
        ]
      : []),
    ...(unknown.length > 0
      ? [`${count(unknown)} of ${file} not applied, since the run has no such row: ${list(unknown)}.`]
      : []),
  ];
}
