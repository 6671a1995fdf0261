/**
 * The tables of a curation: their names, their columns, and the phase that makes each. The key of every table is `row`,
 * the position of a row in the run.
 *
 * | phase | what it makes |
 * |---|---|
 * | read | `rows` with ROW_COLUMNS, `unreadable` |
 * | rules | `dropped`; the view `alive` of the rows that no rule has dropped; with all reasons, `reasons` |
 * | before the first rule that needs them | the columns of NEED_COLUMNS in `rows` |
 * | split | `split` |
 *
 * Tables that one step makes and drops again are declared in the file of that step.
 */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  INTEGER,
  LIST,
  listValue,
  STRUCT,
  structValue,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import type { PixelBox } from "../adapters/source-adapter";

/** Columns of a table with their types, in order. */
export type Columns<Name extends string = string> = Readonly<Record<Name, DuckDBType>>;

/** Rows of all sources, in the order in which they were read. */
export const ROWS = "rows";
/** View of the rows that no rule has dropped. */
export const ALIVE = "alive";
/** The rule that each dropped row is charged to, by its position in the run. */
export const DROPPED = "dropped";
/** The rules that tagged a row, by their position in the run. */
export const TAGS = "tags";
/** All rules that hit a row, for runs that record all reasons. */
export const REASONS = "reasons";
/** Records that could not be used, in the order in which they were read. */
export const UNREADABLE = "unreadable";
/** The rows that were split, and whether each belongs to the test set. */
export const SPLIT = "split";

export const BOXES: DuckDBType = LIST(STRUCT({ x1: DOUBLE, y1: DOUBLE, x2: DOUBLE, y2: DOUBLE, label: VARCHAR }));

/** `rows`, as sources are read. */
export const ROW_COLUMNS = {
  row: BIGINT,
  /** Position of the source in the configuration. */
  part: INTEGER,
  source: VARCHAR,
  task: VARCHAR,
  /** The owner's id. The rule `duplicate-id` drops rows whose id is not unique. */
  id: VARCHAR,
  question: VARCHAR,
  /** Empty for boxes. */
  answer: VARCHAR,
  /** The owner's choices, or NULL. */
  options: LIST(VARCHAR),
  /** What sources are balanced by. */
  category: VARCHAR,
  /** In pixels, after the pictures were inspected. */
  boxes: BOXES,
  /** `relative` boxes are on the 0..1000 grid until the pictures are inspected. */
  box_unit: VARCHAR,
  /** Size of the first picture as shown; NULL if it is not known. */
  width: INTEGER,
  height: INTEGER,
  picture_count: INTEGER,
  /** `PictureReference[]` as JSON. */
  pictures: VARCHAR,
  /** The owner's `PromptMessage[]` as JSON; NULL if the pictures come first, and then the question. */
  turns: VARCHAR,
} satisfies Columns;

/** What `rows` gains for rules whose SQL is not enough; NULL for rows that were dropped before. */
export const NEED_COLUMNS = {
  /** `width`, `height` and `boxes` as the pictures have them: no new column. */
  size: {},
  picture: {
    /** Why a picture cannot be used, or NULL. */
    picture_error: VARCHAR,
    smallest_side: INTEGER,
    /** Digests of the bytes, joined by commas. */
    picture_digest: VARCHAR,
    /** What was changed when a picture had to be encoded again, or NULL. */
    picture_changes: VARCHAR,
  },
  /** 64-bit difference hashes in hexadecimal, joined by commas. */
  hash: { picture_hash: VARCHAR },
  /** ISO 639-1 code of the question's language. */
  language: { language: VARCHAR },
  /** `yes`, or why the gold answer cannot be verified. */
  verified: { verified: VARCHAR },
  /** The number of judged rollouts, how many are right, and their mean accuracy. */
  rollouts: { rollout_count: INTEGER, right_count: INTEGER, mean_accuracy: DOUBLE },
  /** What a row's rollouts say about its gold. */
  golds: {
    /** The chance that the gold is wrong; NULL without responses, and if a person has decided on it. */
    gold_suspicion: DOUBLE,
    /** Responses that say an answer, and those that give the gold. */
    answer_count: INTEGER,
    gold_count: INTEGER,
    /** The largest class of other answers, or boxes as JSON; and the number of responses that have it. */
    consensus: VARCHAR,
    consensus_count: INTEGER,
  },
  /** What a person decided on the gold: `accept`, `reject`, `replace`, or NULL. */
  decisions: { gold_decision: VARCHAR },
  /** As `rollouts`, of those that were made without the pictures. */
  blind: { blind_count: INTEGER, blind_right: INTEGER, blind_accuracy: DOUBLE },
  /** The benchmark question that has the row's text or picture, `mathvista/12 (text)`, or NULL. */
  contamination: { contamination: VARCHAR },
} satisfies Readonly<Record<string, Columns>>;

/** Needs that are met by one step: pictures are inspected once, whatever is asked about them. */
const MET_TOGETHER: readonly (readonly RuleNeed[])[] = [
  ["size", "picture", "hash"],
  ["rollouts", "golds"],
];

/** The needs that are met together with one, itself included. */
export function metWith(need: RuleNeed): readonly RuleNeed[] {
  return MET_TOGETHER.find((needs) => needs.includes(need)) ?? [need];
}

export const DROPPED_COLUMNS = { row: BIGINT, rule: INTEGER } satisfies Columns;
export const REASONS_COLUMNS = { row: BIGINT, rules: LIST(INTEGER) } satisfies Columns;
export const UNREADABLE_COLUMNS = {
  number: BIGINT,
  source: VARCHAR,
  task: VARCHAR,
  /** The owner's id, or the place if it has none. */
  id: VARCHAR,
  /** File and row, as `recordId` gives them. */
  place: VARCHAR,
  reason: VARCHAR,
} satisfies Columns;
export const SPLIT_COLUMNS = { row: BIGINT, test: BOOLEAN } satisfies Columns;

/** What must be computed outside SQL before a rule can run. */
export type RuleNeed = keyof typeof NEED_COLUMNS;

/** Every need. */
export const RULE_NEEDS = Object.keys(NEED_COLUMNS) as readonly RuleNeed[];

/** A column that rules may use. */
export type RuleColumn =
  | keyof typeof ROW_COLUMNS
  | { [Need in RuleNeed]: keyof (typeof NEED_COLUMNS)[Need] & string }[RuleNeed];

/** All columns that rules may use: those that are read, and those that needs add. */
export const RULE_COLUMNS = Object.assign({}, ROW_COLUMNS, ...Object.values(NEED_COLUMNS)) as Columns<RuleColumn>;

/** Creates an empty table, and replaces one of the same name. */
export async function createTable(connection: DuckDBConnection, table: string, columns: Columns): Promise<void> {
  const declared = Object.entries(columns).map(([name, type]) => `${name} ${type.toString()}`);
  await connection.run(`CREATE OR REPLACE TABLE ${table}(${declared.join(", ")})`);
}

/** What `rows` gains from another relation with a column `row`. */
export interface RowsJoin {
  /** SQL of the relation. */
  readonly relation: string;
  /** New columns, as SQL over the columns of both. */
  readonly add: Readonly<Record<string, string>>;
  /** Columns of `rows` that get other values. */
  readonly replace?: Readonly<Record<string, string>>;
}

/** Adds columns to `rows`. Rows that the relation does not have stay, with NULL in the new columns. */
export async function joinToRows(
  connection: DuckDBConnection,
  { relation, add, replace = {} }: RowsJoin,
): Promise<void> {
  const named = (columns: Readonly<Record<string, string>>): string =>
    Object.entries(columns)
      .map(([name, sql]) => `${sql} AS ${name}`)
      .join(", ");
  const replaced = Object.keys(replace).length === 0 ? "" : ` REPLACE (${named(replace)})`;
  await connection.run(`CREATE OR REPLACE TABLE ${ROWS} AS SELECT ${ROWS}.*${replaced}, ${named(add)}
    FROM ${ROWS} LEFT JOIN ${relation} USING (row) ORDER BY row`);
}

/** The columns that `rows` has by now. */
export async function columnsOfRows(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  const result = await connection.run(`SELECT * FROM ${ROWS} LIMIT 0`);
  return new Set(result.columnNames());
}

/** Boxes as a value of a column of boxes. */
export function boxesValue(boxes: readonly PixelBox[]): DuckDBValue {
  return listValue(boxes.map(({ x1, y1, x2, y2, label }) => structValue({ x1, y1, x2, y2, label })));
}
