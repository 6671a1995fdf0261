/**
 * Numbers and expressions. Numbers with their units are compared exactly; where the answer is an expression it must be
 * worth the number (24/2, 10!, \sqrt{16}). A decimal stands for the exact value that it is rounded from only with six
 * digits, or with three where it is the gold.
 */
import type { Expression } from "../../math";
import { readSet } from "../types/collections";
import { asCompound, compoundDifference, readCompound } from "../types/compound";
import { decimal, type Exact, show } from "../types/exact";
import type { Gold } from "../types/gold";
import { readLabel } from "../types/labels";
import { isMath, toLatex } from "../types/math-text";
import { answerQuantities, isRoundedTo, type Quantity, quantityDifference, readQuantity } from "../types/quantity";
import { isDegrees, readUnit } from "../types/units";
import { formulaKey, withoutLetter } from "../types/words";
import { type Comparison, fromDifference, verdict } from "./comparison";
import { approximate, compareMath, readMath, symbolsOf } from "./math-engine";
import { isOtherName } from "./names";

/** Whether a text is a number or a formula. */
export const isValue = (text: string): boolean => readQuantity(text) !== undefined || isMath(text);

export function compareNumber(gold: Extract<Gold, { type: "number" }>, written: string): Comparison | undefined {
  const { label, value: labeled } = readLabel(written);
  if (gold.label !== undefined && label !== undefined && isOtherName(gold.label, label))
    return verdict(false, "number", `${gold.label} is asked for, not ${label}`);
  let difference: string | undefined;
  for (const answer of [...answerQuantities(written), ...answerQuantities(withoutLetter(written))]) {
    const own = quantityDifference(gold.quantity, answer);
    if (own === undefined) return verdict(true, "number", `${show(gold.quantity.value)} on both sides`);
    difference ??= own;
  }
  // "Three countries: Spain, Italy and Greece."
  const lead = /^([^:\d]{3,40}|\d+ [a-z ]{3,40}):[^\d:]+$/i.exec(written)?.[1];
  if (difference === undefined && lead !== undefined && readQuantity(lead)?.noun !== undefined)
    return compareNumber(gold, lead);
  const item = soleItem(written);
  if (item !== undefined) return compareNumber(gold, item);
  if (difference !== undefined) return verdict(false, "number", difference);
  const compound = gold.quantity.unit === undefined ? undefined : readCompound(written);
  if (compound !== undefined)
    return fromDifference(compoundDifference(asCompound(gold.quantity), compound), "compound");
  const isUnlabeled = labeled === written || COMBINATIONS.test(written);
  const answer = withoutUnit(isUnlabeled ? withoutLetter(written) : labeled, true);
  return isMath(answer) && !/^\d+ ?- ?\d+$/.test(answer) ? compareConstant(gold.quantity, answer) : undefined;
}

/** C(10, 3) is a number of combinations where a number is asked for, and a point named C elsewhere. */
const COMBINATIONS = /^C ?\( ?\d+ ?, ?\d+ ?\)$/;

/** `\{12\}` and `x \in \{12\}`. */
function soleItem(text: string): string | undefined {
  const items = readSet(text);
  return items?.length === 1 && items[0] !== text ? items[0] : undefined;
}

const UNIT_STARTS = /(?<=[\d})!\s])(?=[A-Za-z\u4e00-\u9fff\\^])/g;
const GENERIC = /^(?:square |cubic |sq\.? )?units?\.?$|^[\u4e00-\u9fff]{1,6}$/;

/**
 * `3\sqrt{2} cm` without the unit.
 *
 * @param letters whether a single letter may be a unit: only where the gold has no variables
 */
function withoutUnit(text: string, letters: boolean): string {
  for (const { index } of text.matchAll(UNIT_STARTS)) {
    const unit = text.slice(index).trim();
    const isLong = /[a-zA-Z]{2}|[\u4e00-\u9fff]|^\^\\circ/.test(unit.replace(/\\[a-zA-Z]+/g, ""));
    if ((isLong || (letters && text[index - 1] === " ")) && (readUnit(unit) !== undefined || GENERIC.test(unit)))
      return text.slice(0, index).trim();
  }
  return text;
}

/** `25%` as `25/100`, which the engine reads. */
const withoutPercent = (text: string): string => text.replace(/(?<=[\d)}]) ?%$/, "/100");

/** A relation is no value: the engine would compare its right side alone. */
const readValue = (text: string): Expression | undefined => {
  const tree = readMath(toLatex(text));
  return tree === undefined || tree.kind === "relation" || tree.kind === "chain" ? undefined : tree;
};

/** An expression that is worth a number: 24/2, 10!, \sqrt{16}, \frac{\pi}{4} for 45°. */
function compareConstant(gold: Quantity, answer: string): Comparison | undefined {
  const text = withoutPercent(answer);
  const tree = readValue(text) ?? readValue(text.replace(/!$/, ""));
  if (tree === undefined) return undefined;
  const isRadians = gold.unit !== undefined && isDegrees(gold.unit) && text.includes("\\pi");
  const target: Expression | undefined = isRadians
    ? readMath(`\\frac{${gold.value.n}}{${gold.value.d}}\\cdot\\frac{\\pi}{180}`)
    : { kind: "number", value: gold.value, float: false };
  if (target === undefined) return undefined;
  const sameness = compareMath(target, tree);
  if (sameness === "equal") return verdict(true, "expression", `the expression is worth ${show(gold.value)}`);
  if (gold.form === "decimal" && gold.significant >= 3 && isRounded(text, gold))
    return verdict(true, "expression", `the expression rounds to ${show(gold.value)}`);
  const different = verdict(false, "expression", `the expression is not worth ${show(gold.value)}`);
  return sameness === "undecided" ? { ...different, undecided: true } : different;
}

/** A gold decimal is what an exact expression is rounded to. */
function isRounded(answer: string, gold: Quantity): boolean {
  if (!/\\(?:sqrt|frac|pi|log|ln|sin|cos|tan)/.test(answer)) return false;
  const value = approximate(toLatex(answer));
  return value !== undefined && Math.abs(value) < 1e12 && isRoundedTo(fromDouble(value), gold.value, gold.decimals);
}

const fromDouble = (value: number): Exact => {
  const size = decimal(Math.abs(value).toFixed(12));
  return value < 0 ? { n: -size.n, d: size.d } : size;
};

export function compareExpression(goldLatex: string, written: string): Comparison | undefined {
  const gold = readMath(goldLatex);
  if (gold === undefined)
    return formulaKey(toLatex(written)) === formulaKey(goldLatex)
      ? verdict(true, "expression", "the expressions are written the same")
      : undefined;
  const hasVariables = symbolsOf(gold).size > 0;
  let read = false;
  let undecided = false;
  const { value, others } = readLabel(written);
  for (const side of new Set([value, ...others, written, withoutLetter(value)])) {
    if (formulaKey(toLatex(side)) === formulaKey(goldLatex))
      return verdict(true, "expression", "the expressions are written the same");
    const bare = withInfinity(side).replace(/^(?:\\approx|about|approximately) ?/, "");
    const answer = withoutUnit(withoutPercent(bare), !hasVariables);
    if (!isMath(answer) && !/^[a-zA-Z]$/.test(answer)) continue;
    const tree = readValue(answer);
    if (tree === undefined) continue;
    read = true;
    const sameness = compareMath(gold, tree);
    if (sameness === "equal" || isRoundedExpression(goldLatex, answer))
      return verdict(true, "expression", "the expressions are equal");
    undecided ||= sameness === "undecided";
  }
  if (!read) return undefined;
  const different = verdict(false, "expression", "the expressions are not equal");
  return undecided ? { ...different, undecided: true } : different;
}

/** The word as the sign. */
const withInfinity = (text: string): string =>
  text.replace(/^(?:positive |\+ ?)?infinity$/i, "\\infty").replace(/^(?:negative |minus |- ?)infinity$/i, "-\\infty");

/** An answer's decimal of six digits or more that an irrational gold rounds to. */
function isRoundedExpression(goldLatex: string, answer: string): boolean {
  const decimals = /^-?\d*\.(\d+)$/.exec(answer)?.[1];
  if (decimals === undefined || answer.replace(/^[-0.]+|\./g, "").length < 6) return false;
  const value = approximate(goldLatex);
  const quantity = readQuantity(answer);
  return (
    value !== undefined && quantity !== undefined && isRoundedTo(fromDouble(value), quantity.value, decimals.length)
  );
}
