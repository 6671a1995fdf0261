/**
 * Runs rules in their order over the table `rows` and notes in `dropped` which rule each dropped row is charged to: the
 * first that hits. Neighboring row rules run in one scan; a set rule sees only the rows that are left.
 *
 * What a rule needs beyond SQL (decoded pictures, languages, verified answers) is computed just before the first rule
 * that needs it, and only for rows that are left.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { duckdbMessage, identifier, literal, queryRows } from "../duckdb/database";
import { isOutOfSpace } from "../duckdb/read-failure";
import {
  ALIVE,
  createTable,
  DROPPED,
  DROPPED_COLUMNS,
  metWith,
  REASONS,
  REASONS_COLUMNS,
  ROWS,
  RULE_COLUMNS,
  TAGS,
  type RuleNeed,
} from "../tables/curation-tables";
import type { FilterRule } from "./filter-rule";

/** How rules are run. */
export interface ApplyRulesOptions {
  readonly seed: number;
  /** Record every rule that hits a row in `reasons`, too; row rules then see all rows. */
  readonly allReasons: boolean;
  /** Needs whose columns `rows` has from the start. */
  readonly provided?: readonly RuleNeed[];
  /**
   * Computes what is needed for the rows of `relation`, and what is met with it: columns of `rows`, or a table of its
   * own. Returns the join (`LEFT JOIN ..`) that brings that table's columns to the rules which need them.
   */
  provide(need: RuleNeed, relation: string): Promise<string | void>;
  /** Called before each group of rules. */
  onRules?(names: readonly string[]): void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Applies the rules to `rows`. Afterwards there are `dropped`, `tags`, the view `alive` and, with `allReasons`,
 * `reasons`.
 *
 * @throws DatasetError naming the rule whose SQL is wrong
 */
export async function applyRules(
  connection: DuckDBConnection,
  rules: readonly FilterRule[],
  options: ApplyRulesOptions,
): Promise<void> {
  await createTable(connection, DROPPED, DROPPED_COLUMNS);
  await createTable(connection, TAGS, DROPPED_COLUMNS);
  const alive = new AliveRows(connection);
  await alive.all();
  const provided = new Set<RuleNeed>(options.provided);
  const joins = new Map<RuleNeed, string>();
  for (const [place, group] of groups(rules, options.provided ?? []).entries()) {
    options.signal?.throwIfAborted();
    for (const need of group.flatMap(({ rule }) => rule.needs ?? [])) {
      if (provided.has(need)) continue;
      const met = metWith(need).filter((one) => !provided.has(one));
      for (const one of met) provided.add(one);
      const join = await options.provide(need, needing(rules, met, options.allReasons ? ROWS : ALIVE));
      if (typeof join === "string") joins.set(need, join);
      await (place > 0 ? alive.left() : alive.all());
    }
    options.onRules?.(group.map(({ rule }) => rule.name));
    const relation = joined(ALIVE, group, joins);
    await connection
      .run(`INSERT INTO ${tags(group[0]?.rule) ? TAGS : DROPPED} ${groupSql(group, options.seed, relation)}`)
      .catch((error: unknown) => blame(connection, group, options.seed, relation, error));
    await alive.left();
  }
  await alive.joined();
  if (options.allReasons) await recordReasons(connection, rules, options.seed);
}

/**
 * The view of the rows that are left. A view keeps the columns that it was made with, and `rows` may be replaced by one
 * that has more.
 */
class AliveRows {
  readonly #connection: DuckDBConnection;
  #rows = 0;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Before any row was dropped. */
  async all(): Promise<void> {
    const [count] = await queryRows(this.#connection, `SELECT count(*) AS n FROM ${ROWS}`);
    this.#rows = Number(count?.n);
    await this.#view("");
  }

  /**
   * As `dropped` is now. A look-up in one bit string costs a tenth of a join with millions of dropped rows, and every
   * group of rules reads all rows.
   */
  async left(): Promise<void> {
    if (this.#rows >= 2 ** 31) return this.joined();
    await this.#connection.run(
      `SET VARIABLE dropped_bits = (SELECT bitstring_agg(row, 0, ${Math.max(1, this.#rows)}) FROM ${DROPPED})`,
    );
    await this.#view("WHERE coalesce(get_bit(getvariable('dropped_bits'), row::INTEGER), 0) = 0");
  }

  /** Whatever `dropped` will hold. */
  async joined(): Promise<void> {
    await this.#view(`ANTI JOIN ${DROPPED} USING (row)`);
  }

  async #view(restriction: string): Promise<void> {
    await this.#connection.run(`CREATE OR REPLACE VIEW ${ALIVE} AS SELECT * FROM ${ROWS} ${restriction}`);
  }
}

/** The rows of `relation` that a rule with one of these needs is about: no rule reads what is computed for others. */
function needing(rules: readonly FilterRule[], needs: readonly RuleNeed[], relation: string): string {
  const about = rules.filter((rule) => rule.needs?.some((need) => needs.includes(need)) === true).map(scopeOf);
  return about.includes("")
    ? relation
    : `(SELECT * FROM ${relation} WHERE ${about.map((scope) => `(${scope})`).join(" OR ")})`;
}

/** The relation with the columns that this group's rules need and `rows` does not have. */
function joined(relation: string, group: readonly Placed[], joins: ReadonlyMap<RuleNeed, string>): string {
  const needs = new Set(group.flatMap(({ rule }) => rule.needs ?? []));
  const clauses = [...needs].flatMap((need) => joins.get(need) ?? []);
  return clauses.length === 0 ? relation : `(SELECT * FROM ${relation} ${clauses.join(" ")})`;
}

function groupSql(group: readonly Placed[], seed: number, relation: string): string {
  return group[0]?.rule.scope === "set" ? setGroup(group, seed, relation) : rowGroup(group, seed, relation);
}

/** A rule with its position in the run. */
export interface Placed {
  readonly rule: FilterRule;
  readonly index: number;
}

const tags = (rule: FilterRule | undefined): boolean => rule?.action === "tag";

/** Runs of row rules whose needs are met at the start of the run; each set rule and each rule that tags by itself. */
function groups(rules: readonly FilterRule[], provided: readonly RuleNeed[]): Placed[][] {
  const result: Placed[][] = [];
  const met = new Set<RuleNeed>(provided);
  for (const [index, rule] of rules.entries()) {
    const last = result.at(-1);
    const isMet = (rule.needs ?? []).every((need) => met.has(need));
    for (const need of rule.needs ?? []) if (!met.has(need)) for (const one of metWith(need)) met.add(one);
    const joins = rule.scope === "row" && last?.[0]?.rule.scope === "row" && isMet;
    if (joins && !tags(rule) && !tags(last[0]?.rule)) last.push({ rule, index });
    else result.push([{ rule, index }]);
  }
  return result;
}

function rowGroup(group: readonly Placed[], seed: number, relation: string): string {
  const rule = firstHit(group, seed, relation);
  return `SELECT row, rule FROM (SELECT row, ${rule} AS rule FROM ${relation}) WHERE rule IS NOT NULL`;
}

/** The position of the first row rule that hits, as SQL; NULL for a row to keep. */
export function firstHit(rules: readonly Placed[], seed: number, relation: string): string {
  const cases = rules.map(({ rule, index }) => `WHEN ${rowPredicate(rule, seed, relation)} THEN ${index}`);
  return `CASE ${cases.join(" ")} END`;
}

function setGroup(group: readonly Placed[], seed: number, from: string): string {
  const { rule, index } = group[0] as Placed;
  const about = scopeOf(rule);
  const relation = about === "" ? from : `(SELECT * FROM ${from} WHERE ${about})`;
  return `SELECT row, ${index} FROM (${hitsOf(rule, seed, relation)})`;
}

/** The rows of `relation` that a rule drops, as a query of one column `row`. */
export function hitsOf(rule: FilterRule, seed: number, relation: string): string {
  const sql = rule.sql({ relation, seed });
  return rule.query === true ? sql : `SELECT row FROM (SELECT row, (${sql}) AS hit FROM ${relation}) WHERE hit`;
}

/** A row rule's predicate for the rows it is about. */
function rowPredicate(rule: FilterRule, seed: number, relation: string): string {
  const about = scopeOf(rule);
  const predicate = `(${rule.sql({ relation, seed })})`;
  return about === "" ? predicate : `${about} AND ${predicate}`;
}

function scopeOf(rule: FilterRule): string {
  const conditions: string[] = [];
  if (rule.tasks !== undefined) conditions.push(`task IN (${rule.tasks.map(literal).join(", ")})`);
  if (rule.sources !== undefined) conditions.push(`source IN (${rule.sources.map(literal).join(", ")})`);
  return conditions.join(" AND ");
}

async function recordReasons(connection: DuckDBConnection, rules: readonly FilterRule[], seed: number): Promise<void> {
  const each = rules
    .map((rule, index) => ({ rule, index }))
    .filter(({ rule }) => rule.scope === "row" && !tags(rule))
    .map(({ rule, index }) => `CASE WHEN ${rowPredicate(rule, seed, ROWS)} THEN ${index} END`);
  const hits = each.length > 0 ? `list_filter([${each.join(", ")}], lambda i: i IS NOT NULL)` : "[]::INTEGER[]";
  const charged = "CASE WHEN rule IS NULL THEN [] ELSE [rule] END";
  await createTable(connection, REASONS, REASONS_COLUMNS);
  await connection.run(`INSERT INTO ${REASONS}
    SELECT row, list_sort(list_distinct(list_concat(${hits}, ${charged}))) AS rules
    FROM ${ROWS} LEFT JOIN ${DROPPED} USING (row)`);
}

/**
 * Throws the error that names the rule of a group whose SQL fails. If it is not the SQL that fails (a damaged file, too
 * little memory), throws `error`.
 */
export async function blame(
  connection: DuckDBConnection,
  group: readonly Placed[],
  seed: number,
  relation: string,
  error: unknown,
): Promise<never> {
  if (/INTERRUPT/i.test(String(error)) || isOutOfSpace(error)) throw error;
  const isReadable = await connection.run(`EXPLAIN ANALYZE SELECT * FROM ${relation}`).then(
    () => true,
    () => false,
  );
  if (!isReadable) throw error;
  for (const placed of group) {
    try {
      await connection.run(`SELECT count(*) FROM (${groupSql([placed], seed, relation)})`);
    } catch (cause) {
      throw new DatasetError({
        code: "bad-option",
        field: `rules.${placed.rule.name}.sql`,
        expected: "a boolean DuckDB expression over the columns of a row",
        found: duckdbMessage(cause),
        fix:
          `use the columns ${Object.keys(RULE_COLUMNS).join(", ")}; ` +
          `quote a name that is a keyword, such as ${identifier("order")}`,
        cause,
      });
    }
  }
  throw error;
}
