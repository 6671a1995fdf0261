/**
 * `choice`: multiple-choice answers. The response gives a letter (`B`, `(B)`, `B. a cat`, `the answer is B`) or, where
 * `params.choices` lists the options, the text of exactly one of them. Two different letters are no answer.
 */
import { finalAnswer } from "../answer/final-answer";
import { paramsError, readerSchema } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import type { Verdict, Verifier, VerifierSample } from "../verifier";

const LETTERS = "A-J";
const LEADING = new RegExp(`^\\s*(?:\\(([${LETTERS}])\\)(?:\\s|$|[.:])|([${LETTERS}])\\s*(?:[.):]|$))`, "i");
const STATED = new RegExp(
  `\\b(?:answer|option|choice)\\b(?:\\s+is)?\\s*:?\\s*(?:\\(([${LETTERS}])\\)|([${LETTERS}])(?=$|[\\s.,;!)]))`,
  "gi",
);
const MARKED = new RegExp(`\\(([${LETTERS}])\\)|(?:^|\\s)([${LETTERS}])[.)](?=\\s|$)`, "g");
const LONGEST_ANSWER = 2000;

const params = readerSchema((reader) => ({ choices: reader.strings("choices") }));

/**
 * Makes a choice verifier.
 *
 * @example createChoiceVerifier().verify("<answer>(b) the dog</answer>", { groundTruth: "B" }) // accuracy 1
 */
export function createChoiceVerifier(options: ShortAnswerOptions = {}): Verifier {
  const format = formatOf(options);
  return {
    name: options.name ?? "choice",
    params,
    verify: onTexts((response, sample) => verifyChoice(response, sample, format)),
  };
}

/** The choice verifier with its defaults. */
export const choice: Verifier = createChoiceVerifier();

function verifyChoice(response: string, sample: VerifierSample, format: (response: string) => number): Verdict {
  const read = params.read(sample.params);
  if (read.issues !== undefined) return paramsError(read.issues);
  const { choices } = read.value;
  const gold = readChoice(finalAnswer(sample.groundTruth), choices);
  if (gold === undefined) return { status: "skipped", reason: "gold: neither a letter nor the text of one choice" };
  const found = readChoice(finalAnswer(response), choices);
  return {
    status: "scored",
    accuracy: found === gold ? 1 : 0,
    format: format(response),
    metrics: { answered: found === undefined ? 0 : 1 },
  };
}

/** The letter an answer means, or undefined. Only the last part of a long text is read. */
function readChoice(whole: string, choices: readonly string[]): string | undefined {
  const answer = whole.length > LONGEST_ANSWER ? whole.slice(-LONGEST_ANSWER) : whole;
  const byText = choices.findIndex((text) => normalize(text) === normalize(answer));
  if (byText !== -1) return letterAt(byText);
  const marked = new Set([...answer.matchAll(MARKED)].map(letterOf));
  if (marked.size > 1) return undefined;
  const leading = LEADING.exec(answer);
  if (leading !== null) return letterOf(leading);
  const stated = new Set([...answer.matchAll(STATED)].map(letterOf));
  return stated.size === 1 ? [...stated][0] : undefined;
}

const letterAt = (index: number) => String.fromCharCode(65 + index);
const letterOf = (match: RegExpMatchArray) => (match[1] ?? match[2] ?? "").toUpperCase();
const normalize = (text: string) =>
  text.normalize("NFKC").toLowerCase().replaceAll(/\s+/g, " ").trim().replace(/\.$/, "");
