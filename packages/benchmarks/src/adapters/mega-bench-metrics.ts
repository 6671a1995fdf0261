/**
 * MEGA-Bench's rule-based metrics by their names in `metric_info` (TIGER-AI-Lab/MEGA-Bench megabench/metrics, also in
 * lmms-eval): answer and gold, both text, to 0..1. What is not here needs a judge model, sympy, WordNet, a planner or a
 * program runner; its tasks are left out and counted.
 *
 * Deviation: numbers are compared as plain numbers with thousands' commas, percent and currency signs read, not as
 * LaTeX expressions.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { similarity } from "../answers/read-answer";
import { isList, isNumber, isNumbers, isText } from "../files/layout";
import { parsePythonLiteral } from "../files/python-literal";

export type MegaBenchMetric = (response: unknown, gold: unknown) => number;

const text = (value: unknown): string => (isText(value) ? value : (JSON.stringify(value) ?? ""));
const truth = (holds: boolean): number => (holds ? 1 : 0);

/** A single letter as gold takes the first letter of "(B) because": the answer's option. */
function exact(response: unknown, gold: unknown): number {
  const [told, right] = [text(response), text(gold)];
  const letter =
    /^[A-Za-z]$/.test(right) && told.length > 1 ? /^\(?([A-Za-z])\)?(?:\s*\.\s*|\.)?/.exec(told)?.[1] : undefined;
  return truth((letter ?? told) === right);
}

function simple(response: unknown, gold: unknown): number {
  const bare = (value: unknown): string =>
    text(value)
      .replaceAll(/[ \-\n\t.]/g, "")
      .toLowerCase();
  return exact(bare(response), bare(gold));
}

/** A list, tuple or set as text or value; a bare text is split at commas. */
function list(value: unknown): unknown[] {
  if (isList(value)) return value;
  if (!isText(value) || value.trim() === "") return [];
  const parsed = parsePythonLiteral(value.trim());
  if (isList(parsed)) return parsed;
  if (isNumber(parsed)) return [parsed];
  return value
    .trim()
    .replace(/^[[({]([\s\S]*)[\])}]$/, "$1")
    .split(",")
    .map((item) => item.trim());
}

const key = (value: unknown): string => JSON.stringify(value);
const lowered = (values: readonly unknown[]): unknown[] =>
  values.map((value) => (isText(value) ? value.toLowerCase() : value));

function sets(
  response: unknown,
  gold: unknown,
  lower = false,
): { told: Set<string>; right: Set<string>; both: number } {
  const keys = (value: unknown): Set<string> => new Set((lower ? lowered(list(value)) : list(value)).map(key));
  const [told, right] = [keys(response), keys(gold)];
  return { told, right, both: [...told].filter((one) => right.has(one)).length };
}

const setEquality = (response: unknown, gold: unknown, lower = false): number => {
  const { told, right, both } = sets(response, gold, lower);
  return truth(told.size === right.size && both === right.size);
};

const jaccard = (response: unknown, gold: unknown, lower = false): number => {
  const { told, right, both } = sets(response, gold, lower);
  const union = told.size + right.size - both;
  return union === 0 ? 1 : both / union;
};

function dict(value: unknown): Record<string, unknown> | undefined {
  if (isRecord(value)) return value;
  const parsed = isText(value) ? parsePythonLiteral(value.trim()) : undefined;
  return isRecord(parsed) ? parsed : undefined;
}

/** Sum over the gold's keys of a metric, over the number of keys of both together. */
function overKeys(response: unknown, gold: unknown, metric: MegaBenchMetric, over: "union" | "gold"): number {
  const [told, right] = [dict(response), dict(gold)];
  if (told === undefined || right === undefined) return 0;
  const keys = Object.keys(right);
  const size = over === "gold" ? keys.length : new Set([...keys, ...Object.keys(told)]).size;
  return size === 0 ? 1 : keys.reduce((sum, one) => sum + (one in told ? metric(told[one], right[one]) : 0), 0) / size;
}

function number(value: unknown): number | undefined {
  if (isNumber(value)) return value;
  const plain = text(value)
    .replaceAll(/\\\(|\\\)|\\\[|\\\]|[$¥°]/g, "")
    .replace(/^[\s\S]*(?:=|≈|\\approx)\s*/, "")
    .replaceAll(/(\d),(?=\d{3}(?!\d))/g, "$1")
    .trim();
  const match =
    /^(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?\.\d+)\s*(%?)\s*[A-Za-z]*$/.exec(plain) ??
    /^\\?frac\{(-?\d+)\}\{(\d+)\}$/.exec(plain.replace(/^\\/, ""));
  if (match === null) return undefined;
  return plain.includes("frac") ? Number(match[1]) / Number(match[2]) : Number(match[1]) / (match[2] === "%" ? 100 : 1);
}

/** Within 1 % of the gold number; as text if either is not a number. */
function numerical(response: unknown, gold: unknown): number {
  const [told, right] = [number(response), number(gold)];
  return told !== undefined && right !== undefined
    ? truth(Math.abs(told - right) <= 0.01 * Math.abs(right))
    : simple(response, gold);
}

const boxed = (value: unknown): string => /\\boxed\{((?:[^{}]+|\{[^{}]*\})*)\}/.exec(text(value))?.[1] ?? text(value);

function boxes(value: unknown): number[][] {
  const parsed = isText(value) ? parsePythonLiteral(value.trim()) : value;
  if (isNumbers(parsed) && parsed.length === 4) return [parsed];
  return isList(parsed) ? parsed.filter(isNumbers).filter((box) => box.length === 4) : [];
}

function iou(a: readonly number[], b: readonly number[]): number {
  const area = ([x1 = 0, y1 = 0, x2 = 0, y2 = 0]: readonly number[]): number => (x2 - x1) * (y2 - y1);
  const inter =
    Math.max(0, Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!)) *
    Math.max(0, Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!));
  const union = area(a) + area(b) - inter;
  return union > 0 ? inter / union : 0;
}

/** Mean over the predicted boxes of the best overlap with a gold box. */
function boxTuple(response: unknown, gold: unknown): number {
  const [told, right] = [boxes(response), boxes(gold)];
  return told.length === 0
    ? 0
    : told.reduce((sum, box) => sum + Math.max(0, ...right.map((other) => iou(box, other))), 0) / told.length;
}

export const megaBenchMetrics: Readonly<Record<string, MegaBenchMetric>> = {
  exact_str_match: exact,
  simple_str_match: simple,
  exact_str_match_case_insensitive: (response, gold) => exact(text(response).toLowerCase(), text(gold).toLowerCase()),
  multi_ref_phrase: (response, gold) =>
    truth(
      list(isText(gold) ? gold.replaceAll("，", ",") : gold).some(
        (one) => simple(response, isText(one) ? one : String(one)) === 1,
      ),
    ),
  normalized_similarity_damerau_levenshtein: (response, gold) => damerauSimilarity(text(response), text(gold)),
  near_str_match: (response, gold) => truth(similarity(text(response).toLowerCase(), text(gold).toLowerCase()) >= 0.9),
  number_rel_diff_ratio: (response, gold) => {
    const [told, right] = [number(response), number(gold)];
    return told === undefined || right === undefined || right === 0
      ? 0
      : Math.max(0, 1 - Math.abs(told - right) / Math.abs(right));
  },
  positive_int_match: (response, gold) => truth(number(response) !== undefined && number(response) === number(gold)),
  general_single_numerical_match: numerical,
  boxed_single_numerical_match: (response, gold) => numerical(boxed(response), boxed(gold)),
  set_equality: (response, gold) => setEquality(response, gold),
  set_equality_case_insensitive: (response, gold) => setEquality(response, gold, true),
  str_set_equality_comma: (response, gold) => setEquality(response, gold, true),
  str_set_equality_line_break: (response, gold) => {
    const lines = (value: unknown): string[] => text(value).replaceAll("\\n", "\n").split("\n");
    return setEquality(lines(response), lines(gold), true);
  },
  set_precision: (response, gold) => {
    const { told, both } = sets(response, gold);
    return told.size === 0 ? 1 : both / told.size;
  },
  jaccard_index: (response, gold) => jaccard(response, gold),
  jaccard_index_case_insensitive: (response, gold) => jaccard(response, gold, true),
  dict_equality: (response, gold) =>
    truth(dict(response) !== undefined && sortedJson(dict(response)) === sortedJson(dict(gold))),
  dict_precision: (response, gold) => {
    const [told, right] = [dict(response), dict(gold)];
    const keys = Object.keys(told ?? {});
    return keys.length === 0
      ? 0
      : keys.filter((one) => right !== undefined && one in right && exact(told![one], right[one]) === 1).length /
          keys.length;
  },
  dict_exact_str_match_agg_recall: (response, gold) => overKeys(response, gold, exact, "gold"),
  dict_jaccard_agg_jaccard: (response, gold) => overKeys(response, gold, (a, b) => jaccard(a, b), "union"),
  dict_set_equality_agg_jaccard: (response, gold) => overKeys(response, gold, (a, b) => setEquality(a, b), "union"),
  dict_nbbox_iou_tuple_agg_jaccard: (response, gold) => overKeys(response, gold, boxTuple, "union"),
  sequence_equality: (response, gold) => truth(key(list(response)) === key(list(gold))),
  sequence_equality_case_insensitive: (response, gold) =>
    truth(key(lowered(list(response)).map(String)) === key(lowered(list(gold)).map(String))),
  sequence_accuracy_case_insensitive: (response, gold) => {
    const [told, right] = [lowered(list(response)), lowered(list(gold))];
    return told.length !== right.length || right.length === 0
      ? 0
      : told.filter((one, index) => one === right[index]).length / right.length;
  },
  longest_common_list_prefix_ratio: (response, gold) => {
    const [told, right] = [list(response), list(gold)];
    const first = right.findIndex((one, index) => key(one) !== key(told[index]));
    return right.length === 0 ? 0 : (first < 0 ? right.length : first) / right.length;
  },
  nbbox_iou_tuple: boxTuple,
  nbbox_iou_single: (response, gold) => {
    const [[told], [right]] = [boxes(response), boxes(gold)];
    return told === undefined || right === undefined ? 0 : iou(told, right);
  },
  nbbox_iou_sequence: (response, gold) => {
    const [told, right] = [boxes(response), boxes(gold)];
    return told.length !== right.length || right.length === 0
      ? 0
      : told.reduce((sum, box, index) => sum + iou(box, right[index]!), 0) / right.length;
  },
};

function sortedJson(value: unknown): string {
  if (isList(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (isRecord(value))
    return `{${Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${sortedJson(value[name])}`)
      .join(",")}}`;
  return JSON.stringify(value) ?? "null";
}

/** 1 - edits / longer length, where swapping two neighbors is one edit (optimal string alignment). */
function damerauSimilarity(a: string, b: string): number {
  const [s, t] = [[...a], [...b]];
  const most = Math.max(s.length, t.length);
  if (most === 0) return 1;
  const rows: number[][] = [Array.from({ length: t.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= s.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= t.length; j += 1) {
      const cost = s[i - 1] === t[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return 1 - rows[s.length]![t.length]! / most;
}
