/**
 * `number`: a number within a tolerance, as charts are read.
 *
 *     right   |answer − gold| ≤ tolerance · |gold|          a gold of 0 wants exactly 0
 *
 * The default tolerance is ChartQA's relaxed 5 % (Masry et al., arXiv 2203.10244). `params`: `tolerance`, `text_fallback` (a gold
 * that is no number is compared as text, ignoring case, as ChartQA's scorer does; otherwise such a sample is skipped).
 */
import { finalAnswer } from "../answer/final-answer";
import { paramsError, readerSchema } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { readNumber } from "./read-number";

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
  const goldText = finalAnswer(sample.groundTruth);
  const answerText = finalAnswer(response);
  const scored = (right: boolean, metrics: Readonly<Record<string, number>>): Verdict => ({
    status: "scored",
    accuracy: right ? 1 : 0,
    format: format(response),
    metrics,
  });
  const gold = readNumber(goldText);
  if (gold === undefined) {
    if (!textFallback || goldText === "") return { status: "skipped", reason: "gold: not one number" };
    return scored(goldText.toLowerCase() === answerText.toLowerCase(), {});
  }
  const answer = readNumber(answerText);
  if (answer === undefined) return scored(false, { answered: 0 });
  return scored(Math.abs(answer - gold) <= tolerance * Math.abs(gold), { answered: 1 });
}
