/**
 * Several values where one was asked for: `x = 4 or x = 3`, or two formulas on two lines. They are never read as one
 * value, whose last part or product could be right: each must be equal to the gold answer.
 */
import { splitOutside } from "../normalize/scan";
import type { Gold } from "../types/gold";
import { type Comparison, verdict } from "./comparison";
import { isValue } from "./numbers";

const LONGEST = 600;
const OR = /(?: +(?:or|oder|ou) +)|(?: *或者? *)/y;
const LINE = /(?: *\n+ *)/y;
const HAS_OR = / (?:or|oder|ou) |或/;
/** Types of one value; the others have alternatives of their own, as sets, lists and letters. */
const OF_ONE_VALUE: ReadonlySet<Gold["type"]> = new Set(["number", "expression", "equation"]);

/** @returns undefined where the answer is one value, or the gold answer may be several */
export function compareAlternatives(
  gold: Gold,
  answer: string,
  isSame: (alternative: string) => boolean,
): Comparison | undefined {
  if (!OF_ONE_VALUE.has(gold.type) || /\\pm|\+-|\n/.test(gold.text) || HAS_OR.test(gold.text)) return undefined;
  const alternatives = readAlternatives(answer);
  return alternatives && verdict(alternatives.every(isSame), "alternatives", "each of several values is compared");
}

function readAlternatives(text: string): string[] | undefined {
  if (text.length > LONGEST) return undefined;
  const alternatives = HAS_OR.test(text) ? splitOutside(text, OR) : linesOf(text);
  return alternatives.length >= 2 && alternatives.every(isValue) ? alternatives : undefined;
}

/** Lines that are no derivation, whose last line is the answer, and no formula that goes on in the next line. */
function linesOf(text: string): string[] {
  const lines = text.includes("\n") ? splitOutside(text, LINE) : [];
  return /[=<>≈~]|\\(?:approx|equiv|to|[lg]eq?|neq?|R?rightarrow|implies)(?![a-zA-Z])/.test(text) ||
    lines.some((line) => /^(?:[-+*/^]|\\(?:times|cdot|div|pm)(?![a-zA-Z]))|[-+*/^(]$/.test(line.trim()))
    ? []
    : lines;
}
