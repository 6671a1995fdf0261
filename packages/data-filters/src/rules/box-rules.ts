/**
 * Rules for boxes (arXiv 2505.18129, section 4.1): they drop boxes that are not valid, boxes that are too easy to find,
 * too many boxes of one category, and phrases that are too hard to judge.
 */
import type { Task } from "@v-triune/schema";
import { literal } from "../duckdb/database";
import { drawOrder, type FilterRule } from "./filter-rule";

const BOXES: readonly Task[] = ["detection", "grounding"];

/** True if any box satisfies a condition on `b`; false for rows without boxes. This is faster than a filtered list. */
function anyBox(condition: string): string {
  return `coalesce(list_bool_or(list_transform(boxes, lambda b: ${condition})), false)`;
}

/** Drops pictures without boxes. */
export function hasBoxes(): FilterRule {
  return {
    name: "has-boxes",
    reason: "no box",
    scope: "row",
    tasks: BOXES,
    parameters: {},
    sql: () => "coalesce(len(boxes), 0) = 0",
  };
}

/**
 * Drops rows with a box that has no area on the 0..1000 grid, has its corners exchanged, or lies outside the picture by
 * more than `tolerance` pixels.
 */
export function boxShape({ tolerance = 2 }: { tolerance?: number } = {}): FilterRule {
  // If a side covers a cell of the grid inside the picture, its two ends differ after truncation.
  const conditions = [
    "(least(b.x2, width) - greatest(b.x1, 0)) * 1000 < width",
    "(least(b.y2, height) - greatest(b.y1, 0)) * 1000 < height",
    `b.x1 < -${tolerance} OR b.y1 < -${tolerance} OR b.x2 > width + ${tolerance} OR b.y2 > height + ${tolerance}`,
  ];
  return {
    name: "box-shape",
    reason:
      "a box is thinner than 1/1000 of the picture, " +
      `or leaves the picture (of known size) by more than ${tolerance} pixels`,
    scope: "row",
    tasks: BOXES,
    needs: ["size"],
    parameters: { tolerance },
    sql: () => `width IS NULL OR height IS NULL OR ${anyBox(conditions.join(" OR "))}`,
  };
}

/** Drops rows with a box that covers more than `maxShare` of the picture. */
export function boxArea({ maxShare = 0.5 }: { maxShare?: number } = {}): FilterRule {
  return {
    name: "box-area",
    reason: `a box covers more than ${Math.round(maxShare * 100)} % of the picture`,
    scope: "row",
    tasks: BOXES,
    needs: ["size"],
    parameters: { maxShare },
    sql: () => anyBox(`(b.x2 - b.x1) * (b.y2 - b.y1) > ${maxShare} * width * height`),
  };
}

/** Drops rows with more than `max` boxes of one category. */
export function boxesPerCategory({ max = 10 }: { max?: number } = {}): FilterRule {
  const labels = "list_transform(boxes, lambda b: b.label)";
  const largest = `list_max(map_values(list_histogram(${labels})))`;
  return {
    name: "boxes-per-category",
    reason: `more than ${max} boxes of one category`,
    scope: "row",
    tasks: ["detection"],
    parameters: { max },
    // Few rows have this number of boxes, and counting by label is expensive.
    sql: () => `CASE WHEN len(boxes) > ${max} THEN ${largest} > ${max} ELSE false END`,
  };
}

/** Drops grounding rows whose phrase is long or has a clause, a negation or a conjunction. */
export function complexPhrase({
  maxWords = 6,
  words = [
    "and",
    "or",
    "but",
    "not",
    "no",
    "without",
    "except",
    "which",
    "that",
    "who",
    "whose",
    "while",
    "than",
    "being",
  ],
}: { maxWords?: number; words?: readonly string[] } = {}): FilterRule {
  const pattern = String.raw`(?i)[,;]|n't\b|\b(?:${words.join("|")})\b`;
  return {
    name: "complex-phrase",
    reason: `the phrase has more than ${maxWords} words, or a clause, negation or conjunction`,
    scope: "row",
    tasks: ["grounding"],
    parameters: { maxWords, words },
    sql: () =>
      anyBox(
        `len(string_split_regex(trim(b.label), '\\s+')) > ${maxWords} OR regexp_matches(b.label, ${literal(pattern)})`,
      ),
  };
}

/**
 * Keeps single- and multi-box samples of a source in proportion. A single-box sample has one box per category; any
 * other is a multi-box sample. The seed draws which rows of the kind that is too frequent stay. If a source has only
 * one kind, nothing is dropped.
 */
export function singleMulti({ single = 1, multi = 2 }: { single?: number; multi?: number } = {}): FilterRule {
  const labels = "list_transform(boxes, lambda b: b.label)";
  const isSingle = `(len(list_distinct(${labels})) = len(boxes))`;
  return {
    name: "single-multi",
    reason: `over the proportion single-box : multi-box = ${single} : ${multi}`,
    scope: "set",
    tasks: ["detection"],
    parameters: { single, multi },
    query: true,
    sql: ({ relation, seed }) => `
      WITH kinds AS (SELECT row, source, id, ${isSingle} AS single FROM ${relation}),
        counts AS (SELECT source, count(*) FILTER (single) AS s, count(*) FILTER (NOT single) AS m
          FROM kinds GROUP BY source),
        places AS (SELECT row, source, single,
          row_number() OVER (PARTITION BY source, single ORDER BY ${drawOrder(seed, "source", "id")}) AS place
          FROM kinds)
      SELECT row FROM places JOIN counts USING (source)
      WHERE s > 0 AND m > 0
        AND place > CASE WHEN single THEN ceil(m * ${single} / ${multi}) ELSE ceil(s * ${multi} / ${single}) END`,
  };
}

/**
 * Caps the categories. Each sample counts for the rarest of its categories, and each category keeps at most `max`
 * samples, drawn by the seed.
 */
export function categoryTail({ max = 500 }: { max?: number } = {}): FilterRule {
  return {
    name: "category-tail",
    reason: `more than ${max} samples of the category`,
    scope: "set",
    tasks: ["detection"],
    parameters: { max },
    query: true,
    sql: ({ relation, seed }) => `
      WITH labels AS (SELECT row, source, id,
          unnest(list_distinct(list_transform(boxes, lambda b: b.label))) AS label FROM ${relation}),
        sizes AS (SELECT source, label, count(*) AS n FROM labels GROUP BY source, label),
        rarest AS (SELECT row, source, any_value(id) AS id, arg_min(label, (n, label)) AS label
          FROM labels JOIN sizes USING (source, label) GROUP BY row, source)
      SELECT row FROM (SELECT row,
          row_number() OVER (PARTITION BY source, label ORDER BY ${drawOrder(seed, "source", "id")}) AS place
        FROM rarest)
      WHERE place > ${max}`,
  };
}
