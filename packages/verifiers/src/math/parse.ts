/**
 * `parse`: finds the answer in a text and reads it. Extraction goes by priority; among the matches of one priority the one that
 * ends last is tried first (Math-Verify 0.9, `parser.py`).
 */
import { spend, startBudget } from "./budget";
import { type Expression, PERCENT, finiteSet, number, product, isFiniteSet, isSingleRelation, isMatrix } from "./expression";
import { findAnchors } from "./extraction/anchors";
import { ExpressionExtraction, type ExpressionMatch } from "./extraction/expression-extraction";
import { LatexExtraction, type LatexMatch } from "./extraction/latex-extraction";
import { type StringMatch, stringMatches, stringPriorities } from "./extraction/string-extraction";
import { multiplyWithMatrix } from "./latex-parser/matrices";
import { parseLatex } from "./latex-parser/parser";
import { lastSide, normalizeLatex } from "./normalization/latex-normalization";
import { DEFAULT_TARGETS, type ExtractionTarget, type LatexTarget, type ParseOptions } from "./options";
import { parsePython } from "./python-expression";
import { parseDecimal } from "./rational";

/** One reading of an answer: a tree, or the text itself when it did not parse (or beside the tree, for comparing as text). */
export type Parsed = Expression | string;

/** What makes the reference treat symbols as complex rather than real. */
const COMPLEX =
  /\\mathbb\{C\}|\\i\b|\bi\b|\\text\{i\}|\\mathrm\{i\}|\\imath\b|\\det|\\operatorname\{tr\}|\\operatorname\{rank\}|\\text\{rank\}|\\arg\{|\\Re\{|\\Im\{|\\operatorname\{Re\}|\\operatorname\{Im\}|\\text\{Re\}|\\text\{Im\}/;

/** A match in the text, with the reading that it stands for put off until it is its turn. */
interface Candidate {
  readonly start: number;
  readonly end: number;
  read(): { value: Parsed | null; text: string };
}

/**
 * Finds and parses the answer in a text.
 *
 * @param text a gold answer or a model's response
 * @returns the tree, then the text it was read from; empty when nothing is found. Never throws on any text
 * @example parse("so the answer is $\\frac{1}{2}$") // [1/2, "\\frac{1}{2}"]
 */
export const parse = (text: string, options: ParseOptions = {}): Parsed[] => {
  try {
    return parseWithin(text, options);
  } catch (error) {
    if (error instanceof Error && error.name === "BudgetError") return [];
    throw error;
  }
};

/**
 * `parse` that tells when a limit was reached.
 *
 * @throws BudgetError when it runs out
 */
export const parseWithin = (text: string, options: ParseOptions): Parsed[] => {
  // Texts come from models and corpora: what is no string has no answer.
  if (typeof text !== "string") return [];
  startBudget(options, text.length);
  spend(text.length);
  const source = options.lowercase === true ? text.toLowerCase() : text;
  const fallback = options.fallbackMode ?? "firstMatch";
  const firstOnly = options.extractionMode === "firstMatch";
  let firstText = "";
  let value: Parsed | null = null;
  let matched = false;
  const levels = searchLevels(source, options.targets ?? DEFAULT_TARGETS);
  for (const candidates of levels) {
    for (const candidate of candidates) {
      const reading = candidate.read();
      matched = true;
      if (firstText === "") firstText = reading.text;
      value = reading.value;
      if (value !== null || firstOnly) break;
    }
    if (value !== null || (matched && firstOnly)) break;
  }
  const result: Parsed[] = value === null ? [] : [value];
  if (fallback === "firstMatch" && firstText !== "") result.push(firstText);
  return result;
};

/** Candidates by priority, each level sorted as they are to be tried. */
function* searchLevels(text: string, targets: readonly ExtractionTarget[]): Generator<Candidate[]> {
  const anchors = findAnchors(text);
  const sources = targets.map((target): { priorities: readonly number[]; at(priority: number): Candidate[] } => {
    switch (target.type) {
      case "latex": {
        const extraction = new LatexExtraction(text, anchors, target);
        return { priorities: extraction.priorities(), at: (priority) => extraction.matches(priority).map((match) => latexCandidate(match, target)) };
      }
      case "expression": {
        const extraction = new ExpressionExtraction(text, anchors, target);
        return { priorities: extraction.priorities(), at: (priority) => extraction.matches(priority).map((match) => expressionCandidate(match)) };
      }
      case "string":
        return {
          priorities: stringPriorities(target),
          at: (priority) => stringMatches(text, target, priority).map((match) => stringCandidate(match, target.lowercase)),
        };
    }
  });
  const priorities = [...new Set(sources.flatMap((source) => source.priorities))].sort((a, b) => a - b);
  for (const priority of priorities) {
    const candidates = sources.flatMap((source) => source.at(priority));
    if (candidates.length > 0) yield candidates.sort((a, b) => b.end - a.end || a.start - b.start);
  }
}

const stringCandidate = (match: StringMatch, lowercase: boolean): Candidate => ({ start: match.start, end: match.end, read: () => ({ value: lowercase ? match.word.toLowerCase() : match.word, text: match.word }) });

const expressionCandidate = (match: ExpressionMatch): Candidate => ({
  start: match.start,
  end: match.end,
  read: () => {
    if (match.arithmetic !== null) return { value: parsePython(match.arithmetic), text: match.arithmetic };
    const whole = match.whole.replace(/[, ]/g, "").replace(/^0+/, "") || "0";
    const text = whole + match.decimal.replace(",", ".");
    const value = parseDecimal(text);
    if (value === null) return { value: null, text };
    const node = number(value, match.decimal !== "");
    return { value: match.percent ? product(node, PERCENT) : node, text };
  },
});

const latexCandidate = (match: LatexMatch, target: LatexTarget): Candidate => ({
  start: match.start,
  end: match.end,
  read: () => {
    const options = match.boxed ? { ...target.normalization, boxed: "last" as const } : target.normalization;
    const texts: string[] = [];
    const values: (Expression | null)[] = [];
    for (const item of match.items) {
      spend(item.content.length);
      const text = normalizeLatex(item.content, options);
      texts.push(text);
      const value = readLatex(text);
      values.push(value !== null && item.percent ? percentOf(value) : value);
    }
    if (values.length > 1 && values.every((value) => value !== null)) {
      const items = (values as Expression[]).flatMap((value) => (isFiniteSet(value) ? value.items : [value]));
      return { value: finiteSet(items), text: texts.join(" and ") };
    }
    return { value: values[0]!, text: texts[0]! };
  },
});

/** A value with a percent sign behind its delimiters; a relation has no percentage. */
const percentOf = (value: Expression): Expression | null => {
  if (isSingleRelation(value)) return null;
  return isMatrix(value) ? multiplyWithMatrix(PERCENT, value) : product(value, PERCENT);
};

/** The tree of a cleaned answer; of its last side, when the whole of an equation chain does not parse. */
const readLatex = (text: string): Expression | null => {
  const value = parseLatex(text, !COMPLEX.test(text));
  if (value !== null) return value;
  const last = lastSide(text);
  return last === text ? null : parseLatex(last, !COMPLEX.test(last));
};
