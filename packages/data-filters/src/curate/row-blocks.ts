/**
 * All rows of a run for the page's list, kept and dropped: texts cut to what a line shows, packed in blocks that the
 * page unpacks one by one. 100,000 rows take 1 MB (questions that resemble each other) to 10 MB.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { queryRows } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import type { CurationRun } from "./curation-run";
import { UNREADABLE_RULE } from "./write-ledger";
import { drawOrder } from "../rules/filter-rule";
import { DROPPED, ROWS, UNREADABLE } from "../tables/curation-tables";
import type { RowBlock, RowListData } from "../report-page/page-data";

/** Rows on the page, if the configuration does not say. */
export const LISTED_ROWS = 100_000;
/** Rows of a block: some milliseconds to unpack. */
const BLOCK_ROWS = 5000;
/** Characters of a question and of an answer. */
const QUESTION = 160;
const ANSWER = 60;

/** The list, and its blocks as base64. */
export interface RowList {
  readonly data: RowListData;
  readonly blocks: readonly string[];
}

type OpenBlock = { readonly [Column in keyof RowBlock]: RowBlock[Column][number][] };

/** Collects the rows. If there are more than `most`, the seed draws them. */
export async function rowList({ bound, database, rules, options }: CurationRun, most: number): Promise<RowList> {
  const { connection } = database;
  const sources = [...new Set(bound.sources.map(({ adapter }) => adapter.info.key))];
  const fates = await fatesOf(connection, rules);
  const [counts] = await queryRows(
    connection,
    `SELECT (SELECT count(*) FROM ${ROWS}) AS rows, (SELECT count(*) FROM ${UNREADABLE}) AS unreadable`,
  );
  const [rows, unreadable] = [Number(counts?.rows), Number(counts?.unreadable)];
  const total = rows + unreadable;
  const listedUnreadable = total <= most ? unreadable : Math.floor((unreadable * most) / total);
  const listedRows = Math.min(rows, most - listedUnreadable);
  const cut = (sql: string, length: number): string =>
    String.raw`regexp_replace(left(${sql}, ${length}), '\s+', ' ', 'g')`;
  const labels = "list_sort(list_distinct(list_transform(boxes, lambda b: b.label)))";
  const order = drawOrder(bound.seed, "source", "id");
  const drawn = total <= most ? "" : `WHERE row IN (SELECT row FROM ${ROWS} ORDER BY ${order} LIMIT ${listedRows})`;
  const sql = `
    SELECT source, id, question, answer, rule FROM (
      SELECT row AS place_, 0 AS group_, source, id, coalesce(rule, -1) AS rule,
        ${cut(`CASE WHEN boxes IS NULL THEN question ELSE array_to_string(${labels}, ', ') END`, QUESTION)} AS question,
        CASE WHEN boxes IS NULL THEN ${cut("answer", ANSWER)} ELSE len(boxes) || ' boxes' END AS answer
      FROM ${ROWS} LEFT JOIN ${DROPPED} USING (row) ${drawn}
      UNION ALL
      (SELECT number, 1, source, place, -2, ${cut("reason", QUESTION)}, '' FROM ${UNREADABLE} ORDER BY number LIMIT ${listedUnreadable}))
    ORDER BY group_, place_`;
  const blocks: string[] = [];
  let block = emptyBlock();
  let listed = 0;
  for await (const chunk of readChunks(connection, sql, { signal: options.signal })) {
    for (const [source, id, question, answer, rule] of plainRows(chunk)) {
      block.source.push(sources.indexOf(String(source)));
      block.fate.push(fates.findIndex((fate) => fate.rule === Number(rule)));
      block.id.push(String(id));
      block.question.push(String(question ?? ""));
      block.answer.push(String(answer ?? ""));
      listed++;
      if (block.id.length < BLOCK_ROWS) continue;
      blocks.push(await pack(block));
      block = emptyBlock();
    }
  }
  if (block.id.length > 0) blocks.push(await pack(block));
  return {
    data: {
      sources,
      fates: fates.map(({ name }) => name),
      reasons: fates.map(({ reason }) => reason),
      total,
      listed,
      blocks: blocks.length,
    },
    blocks,
  };
}

function emptyBlock(): OpenBlock {
  return { source: [], fate: [], id: [], question: [], answer: [] };
}

const compress = promisify(gzip);

async function pack(block: RowBlock): Promise<string> {
  return (await compress(JSON.stringify(block))).toString("base64");
}

/** Kept, the rules that dropped rows, unreadable. */
async function fatesOf(
  connection: CurationRun["database"]["connection"],
  rules: CurationRun["rules"],
): Promise<{ readonly rule: number; readonly name: string; readonly reason: string }[]> {
  const dropped = await queryRows(connection, `SELECT DISTINCT rule FROM ${DROPPED} ORDER BY rule`);
  return [
    { rule: -1, name: "kept", reason: "" },
    ...dropped
      .map(({ rule }) => ({ rule: Number(rule), ...rules[Number(rule)]! }))
      .map(({ rule, name, reason }) => ({ rule, name, reason })),
    { rule: -2, name: UNREADABLE_RULE, reason: "a record that cannot be used" },
  ];
}
