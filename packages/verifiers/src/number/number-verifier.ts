/**
 * `number`: a number within a tolerance, as charts are read.
 *
 *     right   |answer − gold| ≤ tolerance · |gold|          a gold of 0 wants exactly 0, a year (1700 .. 2099) exactly that year
 *
 * The default tolerance is ChartQA's relaxed 5 % (Masry et al., arXiv 2203.10244). Numbers are read as `answer` reads
 * them: with units, scale words, fractions, powers of ten; where the answer stands is found as for `answer`, never in
 * the thought. With a tolerance above 0, 25 and 25 % answer the same question; with 0 they differ.
 *
 * `params`: `tolerance`, `text_fallback` (a gold that is no number is judged as `answer` judges it; otherwise such a
 * sample is skipped).
 */
import { approximate } from "../answer/compare/math-engine";
import { differentKind, sameAnswer } from "../answer/compare/compare";
import { type Comparison, verdict } from "../answer/compare/comparison";
import { explain } from "../answer/explain";
import { goldText } from "../answer/gold-text";
import { judgeResponse } from "../answer/judge-response";
import { normalize } from "../answer/normalize/normalize";
import { paramsError, readerSchema } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import { readGold } from "../answer/types/gold";
import { isMath } from "../answer/types/math-text";
import { answerQuantities, type Quantity, unitDifference } from "../answer/types/quantity";
import { inBaseUnits } from "../answer/types/units";
import { withoutLetter } from "../answer/types/words";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { isWithin, toDouble } from "./tolerance";

const params = readerSchema((reader) => ({
  tolerance: reader.number("tolerance", 0.05, 0, 1),
  textFallback: reader.flag("text_fallback", false),
}));

/**
 * Makes a number verifier.
 *
 * @example createNumberVerifier().verify("\\boxed{103}", { groundTruth: "100" }) // accuracy 1
 */
export function createNumberVerifier(options: ShortAnswerOptions = {}): Verifier {
  const format = formatOf(options);
  return {
    name: options.name ?? "number",
    params,
    verify: onTexts((response, sample) => verifyNumber(response, sample, format)),
  };
}

/** The number verifier with its defaults. */
export const number: Verifier = createNumberVerifier();

function verifyNumber(response: string, sample: VerifierSample, format: (response: string) => number): Verdict {
  const read = params.read(sample.params);
  if (read.issues !== undefined) return paramsError(read.issues);
  const { tolerance, textFallback } = read.value;
  const scored = (right: boolean, metrics: Readonly<Record<string, number>>): Verdict => ({
    status: "scored",
    accuracy: right ? 1 : 0,
    format: format(response),
    metrics,
  });
  const compare = comparisonWith(normalize(goldText(sample.groundTruth)).text, tolerance);
  if (compare === undefined) {
    const fallback = textFallback ? explain(sample.groundTruth, response).verdict : "skipped";
    return fallback === "skipped"
      ? { status: "skipped", reason: "gold: not one number" }
      : scored(fallback === "right", {});
  }
  const { comparison } = judgeResponse(
    response,
    ({ text }) => compare(text),
    () => undefined,
  );
  return scored(comparison?.equal ?? false, { answered: comparison === undefined ? 0 : 1 });
}

/** How answers compare with a gold answer that has a value; undefined where it has none. */
function comparisonWith(text: string, tolerance: number): ((answer: string) => Comparison | undefined) | undefined {
  const gold = text === "" ? undefined : readGold(text, approximate);
  if (gold?.type === "number") {
    const isExact = tolerance === 0 || YEAR.test(text);
    return (answer) => compareQuantity(gold.quantity, answer, isExact ? 0 : tolerance);
  }
  const value =
    gold?.type === "expression"
      ? approximate(text)
      : gold?.type === "ratio" && gold.terms.length === 2
        ? approximate(`\\frac{${gold.terms[0]}}{${gold.terms[1]}}`)
        : undefined;
  if (value === undefined) return undefined;
  return (answer) => {
    if (sameAnswer(text, answer)) return verdict(true, "number", "the values are equal");
    const other = valueOf(answer);
    return other === undefined
      ? differentKind(answer)
      : verdict(Math.abs(other - value) <= tolerance * Math.abs(value), "number", `${other} against ${value}`);
  };
}

const YEAR = /^(?:1[7-9]|20)\d\d$/;

function compareQuantity(gold: Quantity, answer: string, tolerance: number): Comparison | undefined {
  const quantities = [...answerQuantities(answer), ...answerQuantities(withoutLetter(answer))];
  let difference: string | undefined;
  for (const quantity of quantities) {
    const own = unitDifference(gold, quantity) ?? valueDifference(gold, quantity, tolerance);
    if (own === undefined) return verdict(true, "number", "within the tolerance");
    difference ??= own;
  }
  if (difference !== undefined) return verdict(false, "number", difference);
  const value = isMath(answer) ? approximate(answer) : undefined;
  if (value === undefined) return differentKind(answer);
  const target = toDouble(gold.value);
  const isRight = Math.abs(value - target) <= Math.max(tolerance, SLACK) * Math.abs(target);
  return verdict(isRight, "expression", `${value} against ${target}`);
}

/** What doubles lose when an expression is worked out. */
const SLACK = 1e-11;

function valueDifference(gold: Quantity, answer: Quantity, tolerance: number): string | undefined {
  const [left, right] =
    gold.unit !== undefined && answer.unit !== undefined
      ? [inBaseUnits(gold.value, gold.unit), inBaseUnits(answer.value, answer.unit)]
      : [gold.value, answer.value];
  if (isWithin(left, right, tolerance)) return undefined;
  if (tolerance > 0 && gold.isPercent !== answer.isPercent && isSamePercentage(gold, answer, tolerance))
    return undefined;
  return `${toDouble(answer.value)} is not within ${tolerance} of ${toDouble(gold.value)}`;
}

/** 25 for 25 % and 25 % for 25, but not 0.5 % for 0.5. */
function isSamePercentage(gold: Quantity, answer: Quantity, tolerance: number): boolean {
  const percent = { n: 1n, d: 100n };
  const shrunk = ({ value }: Quantity) => ({ n: value.n * percent.n, d: value.d * percent.d });
  if (gold.isPercent) return isWithin(gold.value, shrunk(answer), tolerance);
  return Math.abs(toDouble(gold.value)) > 1 && isWithin(shrunk(gold), answer.value, tolerance);
}

const valueOf = (answer: string): number | undefined => {
  const [quantity] = answerQuantities(answer);
  return quantity === undefined ? (isMath(answer) ? approximate(answer) : undefined) : toDouble(quantity.value);
};
