/**
 * The FilterRule seam: an SQL predicate, a reason and parameters. A rule says which rows to drop; it is DuckDB SQL over
 * `rows`, so that rules run out of core and a user's own rule is one line of YAML. Its columns, with their types and
 * which need adds which, are in tables/curation-tables.ts (`ROW_COLUMNS`, `NEED_COLUMNS`).
 *
 * A rule of scope `row` looks at one row. One of scope `set` looks at all rows that are left, by window functions or
 * by a query, and therefore runs after the rules before it have dropped theirs.
 */
import type { Task } from "@v-triune/schema";
import type { RuleNeed } from "../tables/curation-tables";

/** What a rule's SQL may depend on. */
export interface RuleContext {
  /** The relation of the rows that are left and that the rule is about. */
  readonly relation: string;
  /** Seed of the run, for rules that draw rows. */
  readonly seed: number;
}

/** One rule, its parameters bound. */
export interface FilterRule {
  readonly name: string;
  /** Why a row was dropped, for people: "the answer is longer than 20 characters". */
  readonly reason: string;
  readonly scope: "row" | "set";
  /** Tasks that the rule is about. Default: all. */
  readonly tasks?: readonly Task[];
  /** Sources that the rule is about. Default: all. */
  readonly sources?: readonly string[];
  /**
   * What its SQL uses beyond the columns that are read: `size` for the width, height and boxes of the picture as shown,
   * `picture` for `picture_error` and `smallest_side`, `hash` for `picture_hash`, and `language`, `verified` and
   * `rollouts` for their columns.
   */
  readonly needs?: readonly RuleNeed[];
  readonly parameters: Readonly<Record<string, RuleParameter>>;
  /**
   * What happens to a row that it hits. `tag`: the row stays, and its sample has the rule's name in `extra_info.tags`.
   * For rules of scope `row`. Default `drop`.
   */
  readonly action?: "drop" | "tag";
  /**
   * Scope `row`: a boolean expression over the columns, true for a row to drop (NULL keeps it).
   * Scope `set`: a boolean expression that may use window functions, or a query (`SELECT row ..`) when `query` is true.
   */
  sql(context: RuleContext): string;
  readonly query?: boolean;
}

export type RuleParameter = number | string | boolean | readonly string[];

/**
 * A total, seeded order of rows that does not depend on threads. It uses DuckDB's own hash, which is five times as fast
 * as md5 and stays the same as long as the DuckDB version does; package.json pins that.
 */
export function drawOrder(seed: number, ...keys: string[]): string {
  return `hash(${[...keys, `${Math.trunc(seed)}`].join(", ")}), row`;
}
