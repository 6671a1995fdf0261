import { boxedGroundTruth } from "@v-triune/schema";
import { mathverify } from "@v-triune/verifiers";

/**
 * Whether a gold answer can be verified: the mathverify verifier, which is synchronous and has a budget, must judge a
 * response that repeats it correct.
 *
 * ```ts
 * verifyGold("\\frac{1}{2}") // "yes"
 * ```
 * @returns `yes`, or why not
 */
export function verifyGold(answer: string): string {
  const gold = boxedGroundTruth(answer);
  const verdict = mathverify.verify(`<think>\n</think>\n<answer>\n${gold}\n</answer>`, { groundTruth: gold });
  if (verdict.status !== "scored") return verdict.reason;
  return verdict.accuracy === 1 ? "yes" : "a response that repeats the gold answer is judged wrong";
}
