/**
 * The rules by the names that a configuration uses, and their default order: cheap and certain rules first, then rules
 * about pictures, then rules that depend on other rows. A row is charged to the first rule that hits it.
 */
import { nearest } from "@v-triune/errors";
import { DatasetError, TASKS, type Task } from "@v-triune/schema";
import { boxArea, boxesPerCategory, boxShape, categoryTail, complexPhrase, hasBoxes, singleMulti } from "./box-rules";
import { blindSolvable } from "./blind-solvable";
import { contaminated } from "./contaminated";
import { difficulty } from "./difficulty";
import { RULE_NEEDS, type RuleNeed } from "../tables/curation-tables";
import type { FilterRule } from "./filter-rule";
import { goldRejected, suspiciousGold } from "./gold-rules";
import { nearDuplicatePicture, nearDuplicateText } from "./near-duplicates";
import { pictureDecodes, pictureSize, hasPicture } from "./picture-rules";
import { cap, categoryBalance, duplicateId, duplicateQuestion } from "./set-rules";
import {
  answerLength,
  answerSymbols,
  countAnswer,
  hasAnswer,
  language,
  multipleChoice,
  overlongQuery,
  trueFalse,
  verifiableAnswer,
} from "./text-rules";

/**
 * Makes a rule. Without an argument it has the method's parameters. Each factory has its own parameters, whose names
 * `buildRule` checks; `never` is the type that all of them accept.
 */
type RuleFactory = (parameters: never) => FilterRule;

/** Every rule that a configuration can name. */
export const rules = {
  "gold-rejected": goldRejected,
  "duplicate-id": duplicateId,
  "has-picture": hasPicture,
  "has-answer": hasAnswer,
  "has-boxes": hasBoxes,
  "count-answer": countAnswer,
  "multiple-choice": multipleChoice,
  "true-false": trueFalse,
  "answer-symbols": answerSymbols,
  "answer-length": answerLength,
  "complex-phrase": complexPhrase,
  "boxes-per-category": boxesPerCategory,
  language,
  "verifiable-answer": verifiableAnswer,
  "duplicate-question": duplicateQuestion,
  "picture-decodes": pictureDecodes,
  "picture-size": pictureSize,
  "box-shape": boxShape,
  "box-area": boxArea,
  "overlong-query": overlongQuery,
  "category-balance": categoryBalance,
  "category-tail": categoryTail,
  "single-multi": singleMulti,
  "near-duplicate-picture": nearDuplicatePicture,
  "near-duplicate-text": nearDuplicateText,
  contaminated,
  difficulty,
  "suspicious-gold": suspiciousGold,
  "blind-solvable": blindSolvable,
  cap,
} as const satisfies Readonly<Record<string, RuleFactory>>;

/** The rules of a configuration that lists none, in their order. */
export const DEFAULT_RULES: readonly (keyof typeof rules)[] = [
  "duplicate-id",
  "has-picture",
  "has-answer",
  "has-boxes",
  "count-answer",
  "multiple-choice",
  "true-false",
  "answer-symbols",
  "answer-length",
  "complex-phrase",
  "boxes-per-category",
  "language",
  "verifiable-answer",
  "picture-decodes",
  "picture-size",
  "box-shape",
  "box-area",
  "overlong-query",
  "category-balance",
  "category-tail",
  "single-multi",
];

/**
 * Rules without which samples cannot be written. They run last if a configuration does not list them.
 */
export const INTEGRITY_RULES: readonly (keyof typeof rules)[] = [
  "has-answer",
  "has-boxes",
  "picture-decodes",
  "box-shape",
];

/**
 * One entry of a configuration's `rules`: a name, a name with parameters, your own SQL with a reason, or (from code) a
 * rule.
 *
 * ```yaml
 * rules:
 *   - multiple-choice
 *   - { rule: answer-length, max: 30 }
 *   - { rule: no-years, sql: "regexp_matches(answer, '^(19|20)[0-9]{2}$')", reason: the answer is a year }
 * ```
 */
export type RuleConfig = string | ({ readonly rule: string } & Readonly<Record<string, unknown>>) | FilterRule;

/**
 * Makes the rule of a configuration's entry.
 *
 * @throws DatasetError for an unknown rule or parameter, with the nearest name
 */
export function buildRule(entry: RuleConfig): FilterRule {
  if (isRule(entry)) return entry;
  const { rule: name, ...given } = typeof entry === "string" ? { rule: entry } : entry;
  if (typeof given.sql === "string") return ownRule(name, given);
  const { tasks, sources, ...parameters } = given;
  const factory = (rules as Readonly<Record<string, RuleFactory>>)[name];
  if (factory === undefined) {
    const near = nearest(name, Object.keys(rules));
    throw new DatasetError({
      code: "bad-option",
      field: "rules",
      expected: `one of ${Object.keys(rules).join(", ")}, or your own rule with sql and reason`,
      found: name,
      fix: near === null ? undefined : `did you mean ${near}?`,
    });
  }
  if (name === "cap" && typeof parameters.max !== "number") {
    throw new DatasetError({
      code: "bad-option",
      field: "rules.cap.max",
      expected: "a number of rows",
      found: String(parameters.max),
    });
  }
  const bound = factory(parameters as never);
  const known = Object.keys(bound.parameters);
  for (const [key, value] of Object.entries(parameters)) {
    const field = `rules.${name}.${key}`;
    const was = bound.parameters[key];
    if (was === undefined) {
      const near = nearest(key, known);
      throw new DatasetError({
        code: "bad-option",
        field,
        expected: known.length > 0 ? `one of ${known.join(", ")}` : "no parameter",
        found: key,
        fix: near === null ? undefined : `did you mean ${near}?`,
      });
    }
    const usual = factory((name === "cap" ? { max: 1 } : undefined) as never).parameters[key];
    if (typeof usual !== typeof value || Array.isArray(usual) !== Array.isArray(value)) {
      const expected = Array.isArray(usual) ? "a list" : `a ${typeof usual}`;
      throw new DatasetError({ code: "bad-option", field, expected, found: JSON.stringify(value) });
    }
  }
  return { ...bound, ...restrict(name, bound, { tasks, sources }) };
}

/** Makes the rule that a report states. */
export function ruleFromReport(
  entry: Pick<FilterRule, "name" | "reason" | "scope" | "tasks" | "sources" | "needs" | "parameters">,
): FilterRule {
  const { name, reason, scope, tasks, sources, needs, parameters } = entry;
  const own = typeof parameters.sql === "string" ? { reason, scope, needs } : {};
  return buildRule({
    rule: name,
    ...parameters,
    ...own,
    ...(tasks === undefined ? {} : { tasks }),
    ...(sources === undefined ? {} : { sources }),
  });
}

function isRule(entry: RuleConfig): entry is FilterRule {
  return typeof entry === "object" && entry !== null && typeof entry.sql === "function";
}

const OWN_KEYS = ["sql", "reason", "tasks", "sources", "scope", "needs"];

function ownRule(name: string, given: Readonly<Record<string, unknown>>): FilterRule {
  const { sql, reason, tasks, sources } = given;
  const scope = given.scope ?? "row";
  const needs = given.needs ?? [];
  const wrong = (field: string, expected: string, found: unknown): DatasetError =>
    new DatasetError({
      code: "bad-option",
      field: `rules.${name}.${field}`,
      expected,
      found: JSON.stringify(found) ?? "nothing",
    });
  for (const key of Object.keys(given))
    if (!OWN_KEYS.includes(key)) throw wrong(key, `one of ${OWN_KEYS.join(", ")}`, key);
  if (typeof reason !== "string" || reason === "") throw wrong("reason", "why such a row is dropped", reason);
  if (scope !== "row" && scope !== "set") throw wrong("scope", "row or set", scope);
  if (!Array.isArray(needs) || !needs.every((need) => RULE_NEEDS.includes(need as RuleNeed))) {
    throw wrong("needs", `a list of ${RULE_NEEDS.join(", ")}`, needs);
  }
  const rule: FilterRule = {
    name,
    reason,
    scope,
    needs: needs as RuleNeed[],
    parameters: { sql: String(sql) },
    sql: () => String(sql),
  };
  return { ...rule, ...restrict(name, rule, { tasks, sources }) };
}

/** Limits a rule to the tasks and sources that the configuration states. */
function restrict(name: string, rule: FilterRule, given: { tasks: unknown; sources: unknown }): Partial<FilterRule> {
  const list = (field: string, value: unknown): readonly string[] | undefined => {
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value as string[];
    throw new DatasetError({
      code: "bad-option",
      field: `rules.${name}.${field}`,
      expected: "a list of names",
      found: JSON.stringify(value),
    });
  };
  const tasks = list("tasks", given.tasks);
  const sources = list("sources", given.sources);
  for (const task of tasks ?? []) {
    if (!(TASKS as readonly string[]).includes(task)) {
      throw new DatasetError({
        code: "bad-option",
        field: `rules.${name}.tasks`,
        expected: `of ${TASKS.join(", ")}`,
        found: task,
      });
    }
  }
  return {
    ...(tasks === undefined
      ? rule.tasks === undefined
        ? {}
        : { tasks: rule.tasks }
      : { tasks: tasks as readonly Task[] }),
    ...(sources === undefined ? {} : { sources }),
  };
}
