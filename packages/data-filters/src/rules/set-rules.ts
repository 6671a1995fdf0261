/** Rules over all rows that are left: balance, caps, repeated ids, repeated questions. */
import type { Task } from "@v-triune/schema";
import { drawOrder, type FilterRule } from "./filter-rule";

/**
 * Balances the answers of a counting source: each category keeps at most the number of rows of the median category (or
 * `max`), drawn by the seed.
 */
export function categoryBalance({ max = 0 }: { max?: number } = {}): FilterRule {
  const limit = max > 0 ? `${max}` : "greatest(1, quantile_disc(n, 0.5) OVER (PARTITION BY source))";
  return {
    name: "category-balance",
    reason: max > 0 ? `more than ${max} rows of the category` : "more rows of the category than of the median one",
    scope: "set",
    tasks: ["counting"],
    parameters: { max },
    query: true,
    sql: ({ relation, seed }) => `
      WITH sizes AS (SELECT source, category, count(*) AS n FROM ${relation} GROUP BY source, category),
        limits AS (SELECT source, category, ${limit} AS most FROM sizes),
        places AS (SELECT row, source, category,
          row_number() OVER (PARTITION BY source, category ORDER BY ${drawOrder(seed, "source", "id")}) AS place
          FROM ${relation})
      SELECT row FROM places JOIN limits
        ON places.source = limits.source AND places.category IS NOT DISTINCT FROM limits.category
      WHERE place > most`,
  };
}

/** Keeps at most `max` rows of a source, or of a task, drawn by the seed. */
export function cap({ max, by = "source" }: { max: number; by?: "source" | "task" }): FilterRule {
  return {
    name: "cap",
    reason: `more than ${max} rows of the ${by}`,
    scope: "set",
    parameters: { max, by },
    sql: ({ seed }) => `row_number() OVER (PARTITION BY ${by} ORDER BY ${drawOrder(seed, "source", "id")}) > ${max}`,
  };
}

/** Drops a row whose id an earlier row of its source has. */
export function duplicateId(): FilterRule {
  return {
    name: "duplicate-id",
    reason: "an earlier row of the source has this id",
    scope: "set",
    parameters: {},
    sql: () => "row_number() OVER (PARTITION BY source, id ORDER BY row) > 1",
  };
}

/** Drops a row whose pictures and question an earlier row has, apart from white space and case. */
export function duplicateQuestion({ tasks }: { tasks?: readonly Task[] } = {}): FilterRule {
  return {
    name: "duplicate-question",
    reason: "an earlier row asks the same of the same pictures",
    scope: "set",
    tasks: tasks ?? ["math", "puzzle", "science", "chart", "counting", "ocr"],
    parameters: {},
    sql: () => {
      const question = String.raw`regexp_replace(lower(trim(question)), '\s+', ' ', 'g')`;
      return `row_number() OVER (PARTITION BY source, pictures, ${question} ORDER BY row) > 1`;
    },
  };
}
