/**
 * `parse`: finds the answer in a text and reads it. Extraction goes by priority; among the matches of one priority the
 * one that ends last is tried first (Math-Verify 0.9, `parser.py`).
 */
import { Budget, withinLimits } from "./budget";
import { Calculator } from "./evaluation/calculator";
import { expressionLevels } from "./extraction/expression-extraction";
import { latexLevels } from "./extraction/latex-extraction";
import { stringLevels } from "./extraction/string-extraction";
import { DEFAULT_TARGETS, type ParseOptions } from "./options";
import type { Expression } from "./tree/expression";

/** Of a text, in characters: a longer run of digits is beyond the stack of the regular expressions. */
const LONGEST = 8_000_000;

/**
 * One reading of an answer: a tree, or the text itself when it did not parse (or beside the tree, for comparing as
 * text).
 */
export type Parsed = Expression | string;

/**
 * Finds and parses the answer in a text.
 *
 * @param text a gold answer or a model's response
 * @returns the tree, then the text it was read from; empty when nothing is found. Never throws on any text
 * @throws RangeError for limits that cannot be
 * @example parse("so the answer is $\\frac{1}{2}$") // [1/2, "\\frac{1}{2}"]
 */
export function parse(text: string, options?: ParseOptions): Parsed[] {
  return parseWithin(text, options).readings;
}

/** What was read, and whether a limit ended the reading. The text of an answer stays when its parse is ended. */
export interface LimitedReadings {
  readonly readings: Parsed[];
  readonly isCut: boolean;
}

/** `parse` that tells when a limit was reached. */
export function parseWithin(text: string, options: ParseOptions = {}): LimitedReadings {
  // Texts come from models and corpora: what is no string has no answer.
  if (typeof text !== "string") return { readings: [], isCut: false };
  const budget = new Budget(options, text.length);
  return withinLimits(
    () => findAnswer(new Calculator(budget), text, options),
    () => ({ readings: [], isCut: true }),
  );
}

/** @throws BudgetError before an answer's own text is known */
function findAnswer(calculator: Calculator, text: string, options: ParseOptions): LimitedReadings {
  const { budget } = calculator;
  // Every pattern goes over the text once.
  budget.spend(text.length > LONGEST ? Infinity : 5 * text.length);
  const firstOnly = options.extractionMode === "firstMatch";
  let firstText = "";
  const result = (value: Parsed | null, isCut = false): LimitedReadings => ({
    readings: [
      ...(value === null ? [] : [value]),
      ...(firstText && options.fallbackMode !== "noFallback" ? [firstText] : []),
    ],
    isCut,
  });
  const source = options.lowercase ? text.toLowerCase() : text;
  const levels = (options.targets ?? DEFAULT_TARGETS).flatMap((target) =>
    target.type === "latex"
      ? latexLevels(calculator, source, target)
      : target.type === "string"
        ? stringLevels(source, target)
        : expressionLevels(budget, source, target),
  );
  for (const priority of new Set(levels.map(([first]) => first).sort((a, b) => a - b))) {
    const candidates = levels.flatMap(([own, find]) => (own === priority ? find() : []));
    for (const { read } of candidates.sort((a, b) => b.end - a.end || a.start - b.start)) {
      const reading = read();
      firstText ||= reading.text;
      if (reading.value !== null || firstOnly || reading.isCut) return result(reading.value, reading.isCut);
    }
  }
  return result(null);
}
