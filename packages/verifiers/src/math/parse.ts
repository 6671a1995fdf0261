/**
 * `parse`: finds the answer in a text and reads it. Extraction goes by priority; among the matches of one priority the one that
 * ends last is tried first (Math-Verify 0.9, `parser.py`).
 */
import { spend, startBudget } from "./budget";
import type { Expression } from "./expression";
import type { Candidate } from "./extraction/anchors";
import { expressionLevels } from "./extraction/expression-extraction";
import { latexLevels } from "./extraction/latex-extraction";
import { stringLevels } from "./extraction/string-extraction";
import { min } from "./floats";
import { DEFAULT_TARGETS, type ExtractionTarget, type ParseOptions } from "./options";

/** One reading of an answer: a tree, or the text itself when it did not parse (or beside the tree, for comparing as text). */
export type Parsed = Expression | string;

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
  // Every pattern goes over the text once. Texts of more than 12 million characters are beyond the stack of the regular expressions.
  startBudget(options, min(text.length, 6_000_000));
  spend(5 * text.length);
  const firstOnly = options.extractionMode === "firstMatch";
  let firstText = "";
  const result = (...values: readonly Parsed[]): Parsed[] => [...values, ...(firstText && options.fallbackMode !== "noFallback" ? [firstText] : [])];
  for (const candidates of searchLevels(options.lowercase ? text.toLowerCase() : text, options.targets ?? DEFAULT_TARGETS)) {
    for (const candidate of candidates) {
      const reading = candidate.read();
      firstText ||= reading.text;
      if (reading.value !== null) return result(reading.value);
      if (firstOnly) return result();
    }
  }
  return result();
};

/** Candidates by priority, each level sorted as they are to be tried. */
function* searchLevels(text: string, targets: readonly ExtractionTarget[]): Generator<Candidate[]> {
  const levels = targets.flatMap((target) => (target.type === "latex" ? latexLevels(text, target) : target.type === "string" ? stringLevels(text, target) : expressionLevels(text, target)));
  for (const priority of new Set(levels.filter(([, , beside]) => !beside).map(([first]) => first).sort((a, b) => a - b)))
    yield levels.flatMap(([own, candidates]) => (own === priority ? candidates() : [])).sort((a, b) => b.end - a.end || a.start - b.start);
}
