/**
 * `choice`: multiple-choice answers. The response gives a letter in any of the usual forms (`B`, `**(B)** 12 cm`,
 * `the answer is B`, `故选B`) or, where `params.choices` lists the options, what exactly one of them says. Several
 * letters are right only where the gold answer has them all; "B or C" is no answer. Where the answer stands is found as
 * for `answer`: never in the thought.
 */
import { explain } from "../answer/explain";
import { paramsError, readerSchema } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import type { Verdict, Verifier, VerifierSample } from "../verifier";

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
  const { verdict, places } = explain(sample.groundTruth, response, { type: "choice", choices });
  if (verdict === "skipped") return { status: "skipped", reason: "gold: neither a letter nor the text of one choice" };
  const isRight = verdict === "right";
  const isRead = isRight || (places?.some(({ comparison }) => comparison?.read !== undefined) ?? false);
  return {
    status: "scored",
    accuracy: isRight ? 1 : 0,
    format: format(response),
    metrics: { answered: isRead ? 1 : 0 },
  };
}
