/**
 * The FilterRule seam: an SQL predicate, a reason and parameters. A rule says which rows to drop; it is DuckDB SQL over the
 * relation below, so that rules run out of core and a user's own rule is one line of YAML.
 *
 * A rule of scope `row` looks at one row. One of scope `set` looks at all rows that are still there, by window functions or
 * by a query, and therefore runs after the rules before it have dropped theirs.
 *
 * Columns that a rule may use:
 * | column | type | |
 * |---|---|---|
 * | row | BIGINT | position in the run |
 * | source, task, id | VARCHAR | |
 * | question, answer | VARCHAR | answer is empty for boxes |
 * | options | VARCHAR[] | the owner's choices, or NULL |
 * | category | VARCHAR | what is balanced by |
 * | boxes | STRUCT(x1, y1, x2, y2 DOUBLE, label VARCHAR)[] | pixels |
 * | width, height | INTEGER | of the first picture, as shown; NULL when not known |
 * | picture_count | INTEGER | |
 * | picture_error | VARCHAR | with `needs: ["picture"]`: why a picture cannot be used |
 * | picture_hash | VARCHAR | with `needs: ["hash"]` |
 * | language | VARCHAR | with `needs: ["language"]`: `en`, `zh`, .. of the question |
 * | verified | VARCHAR | with `needs: ["verified"]`: `yes`, or why the gold answer cannot be verified |
 * | rollout_count, mean_accuracy | INTEGER, DOUBLE | with `needs: ["rollouts"]`: judged rollouts, and their mean accuracy |
 */
import type { Task } from "@v-triune/schema";

/** What must be computed outside SQL before a rule can run. */
export type RuleNeed = "picture" | "hash" | "language" | "verified" | "rollouts";

/** What a rule's SQL may depend on. */
export interface RuleContext {
  /** The relation of the rows that are still there and that the rule is about. */
  readonly relation: string;
  /** Seed of the run, for rules that draw rows. */
  readonly seed: number;
}

/** One rule, its parameters bound. */
export interface FilterRule {
  readonly name: string;
  /** Why a row is gone, for people: "the answer is longer than 20 characters". */
  readonly reason: string;
  readonly scope: "row" | "set";
  /** Tasks it is about; all when absent. */
  readonly tasks?: readonly Task[];
  /** Sources it is about; all when absent. */
  readonly sources?: readonly string[];
  readonly needs?: readonly RuleNeed[];
  readonly parameters: Readonly<Record<string, RuleParameter>>;
  /**
   * Scope `row`: a boolean expression over the columns, true for a row to drop (NULL keeps it).
   * Scope `set`: a boolean expression that may use window functions, or a query (`SELECT row ..`) when `query` is true.
   */
  sql(context: RuleContext): string;
  readonly query?: boolean;
}

export type RuleParameter = number | string | boolean | readonly string[];

/**
 * A total, seeded order of rows that does not depend on threads. It uses DuckDB's own hash, which is five times as fast as
 * md5 and stays the same as long as the DuckDB version does; package.json pins that.
 */
export function drawOrder(seed: number, ...keys: string[]): string {
  return `hash(${[...keys, `${Math.trunc(seed)}`].join(", ")}), row`;
}
