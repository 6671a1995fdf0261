/**
 * The format reward of `mathverify` samples (V-Triune, arXiv 2505.18129; after open-r1's tag count):
 *
 *     R_fmt = 0.25 · #{ mark : mark occurs exactly once }   over  <think>\n   \n</think>\n   \n<answer>\n   \n</answer>
 *
 * Deviation: two marks that share a newline count as two here and as one in the original; `compat` counts like it.
 */
import { countOccurrences } from "./count-occurrences";

/** The four marks of the think/answer form, each worth 0.25. */
export const THINK_ANSWER_MARKS: readonly string[] = ["<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"];

/** How a format is judged. */
export interface FormatOptions {
  /** Judge as the original V-Triune server does, faults included. Default false. */
  readonly compat?: boolean;
}

/**
 * Scores the think/answer form: 0, 0.25, 0.5, 0.75 or 1.
 *
 * @example mathverifyFormat("<think>\nsum\n</think>\n<answer>\n\\boxed{4}\n</answer>") // 1
 */
export function mathverifyFormat(response: string, options: FormatOptions = {}): number {
  const overlapping = !(options.compat ?? false);
  let score = 0;
  for (const mark of THINK_ANSWER_MARKS) {
    if (countOccurrences(response, mark, { overlapping }) === 1) score += 0.25;
  }
  return score;
}
