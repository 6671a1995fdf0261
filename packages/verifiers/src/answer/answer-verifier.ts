/**
 * `answer`: whatever has one right answer that a person could check, a number, a formula, a date, a word. It reads what
 * people and models write, in four stages that can each be read alone: `locate/`, `types/`, `normalize/`, `compare/`.
 * Where a false pass and a false fail cannot both be avoided, it fails: a wrong reward teaches, a missing one only
 * costs.
 */
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { answerParamsSchema } from "./answer-params";
import { explain } from "./explain";
import { formatOf, type ShortAnswerOptions } from "./short-answer-options";
import { onTexts } from "./text-input";

/**
 * Makes an answer verifier.
 *
 * @example createAnswerVerifier().verify("It is \\boxed{50\\text{ mm}}.", { groundTruth: "5 cm" }) // accuracy 1
 */
export function createAnswerVerifier(options: ShortAnswerOptions = {}): Verifier {
  const format = formatOf(options);
  return {
    name: options.name ?? "answer",
    params: answerParamsSchema,
    verify: onTexts((response, sample) => verifyAnswer(response, sample, format)),
  };
}

/** The answer verifier with its defaults. */
export const answer: Verifier = createAnswerVerifier();

function verifyAnswer(response: string, sample: VerifierSample, format: (response: string) => number): Verdict {
  const { verdict, reason, places, undecided } = explain(sample.groundTruth, response, sample.params);
  if (verdict === "skipped") return { status: "skipped", reason };
  if (verdict === "invalid") return { status: "error", reason, code: "params" };
  const isRead = verdict === "right" || (places?.some(({ comparison }) => comparison !== undefined) ?? false);
  return {
    status: "scored",
    accuracy: verdict === "right" ? 1 : 0,
    format: format(response),
    metrics: { answered: isRead ? 1 : 0, undecided: undecided ? 1 : 0 },
  };
}
