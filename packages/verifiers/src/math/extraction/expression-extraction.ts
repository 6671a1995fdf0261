/**
 * Numbers (`1,234.5`, `$0.5`, `12 percent`) and plain arithmetic (`1/2 + (3*4)`) in running text, by anchor, with the
 * regular expressions of Math-Verify 0.9, written so that they are linear in the text.
 */
import type { Budget } from "../budget";
import { parseDecimal } from "../decimal";
import { PERCENT as PERCENT_VALUE, number, product } from "../tree/expression";
import type { ExpressionTarget } from "../options";
import { parsePython } from "../python-expression";
import { BLANK, BLANKS } from "../text";
import { BOLD, HOPE, type Level, PERCENT, levelsOf, pattern, patternsOf, raw } from "./anchors";

const PLAIN = raw`\d.${BLANKS}`;
const OPERATORS = raw`+\-*\xd7/^()\xf7`;
const FIRST = raw`-?\(?-?\d`;
/**
 * A digit, then a run of arithmetic characters with an operator among them, then the end of a word. In Math-Verify any
 * operator of the run may be the one; the first is as good. A blank ends the run only when it is the last of its kind:
 * before another blank, the longer run has been tried with the same outcome.
 */
const ARITHMETIC = `(${FIRST}[${PLAIN}]*[${OPERATORS}][${PLAIN}${OPERATORS}]+)${BOLD}(?:[.,:)$]|${BLANK}(?!${BLANK})|$)`;
/** A currency sign; 1,234.5 or 12.5 or 12,5 or .5; a percent sign. */
const NUMBER = raw`[$\xa3\xa5\u0e3f\u20a1-\u20bf]?(?:(-?[1-9]\d{0,2}(?:[ ,]\d{3})+)(\.\d+)?|(-?\d+)([.,]\d+)?|(\.\d+))(?:${BLANK}*(${PERCENT}))?`;
const START = `(?:^|[=${BLANKS}])${BOLD}`;
const EITHER = `${START}(?:${ARITHMETIC}|${NUMBER})`;

const PATTERNS = patternsOf({
  hoped: EITHER + HOPE,
  final: EITHER,
  gap: "[^\\n]",
  answer: raw`(?:[^\n]{0,100}=${BLANK}*|[^\n]{0,50}?)${EITHER}(?!${BLANK}*=)`,
  anywhere: [
    // Where arithmetic does not match from the first digit of a run it does so nowhere in the run, which is then passed
    // over.
    [300, pattern(`${START}(?:${ARITHMETIC}|${FIRST}[${PLAIN}${OPERATORS}]*)`)],
    // The empty group stands for the arithmetic.
    [300, pattern(`${START}()${NUMBER}`)],
  ],
});

/** Where to look for numbers and arithmetic. */
export function expressionLevels(budget: Budget, source: string, target: ExpressionTarget): Level[] {
  return levelsOf(
    source,
    target,
    PATTERNS,
    (
      {
        index,
        1: arithmetic,
        2: grouped = "",
        3: fraction,
        4: integer = grouped,
        5: decimals = fraction,
        6: decimal = decimals ?? "",
        7: percent,
      },
      end,
    ) => {
      const read = () => {
        if (arithmetic) return { value: parsePython(budget, arithmetic), text: arithmetic };
        const whole = integer.replace(/[, ]/g, "").replace(/^0+/, "") || "0";
        const text = whole + decimal.replace(",", ".");
        const value = parseDecimal(budget, text);
        const node = value && number(value, decimal !== "");
        return { value: node && percent ? product(node, PERCENT_VALUE) : node, text };
      };
      return arithmetic || integer || decimal ? { start: index, end, read } : undefined;
    },
  );
}
