import { parseBoxes } from "../detection/parse-boxes";
import { extractAnswer } from "./answer-text";
import { countOccurrences } from "./count-occurrences";
import type { FormatOptions } from "./mathverify-format";

/**
 * The format reward of `detection` samples (V-Triune, arXiv 2505.18129): 1 if there is exactly one `\n<answer>\n` and exactly
 * one `\n</answer>`, and the text between them parses to at least one box; else 0.
 *
 * The original tests only that the opening mark occurs at all, and reads the first `<answer>..</answer>`, which need not be
 * the one it counted. `compat` restores both.
 */

const OPEN = "\n<answer>\n";
const CLOSE = "\n</answer>";

/**
 * Scores the form of a detection answer: 0 or 1.
 *
 * @example detectionFormat("<think>\n..\n</think>\n<answer>\n[{'bbox_2d': [1, 2, 3, 4], 'label': 'cat'}]\n</answer>") // 1
 */
export function detectionFormat(response: string, options: FormatOptions = {}): number {
  const compat = options.compat ?? false;
  const overlapping = !compat;
  const opens = countOccurrences(response, OPEN, { overlapping });
  if (compat ? opens === 0 : opens !== 1) return 0;
  if (countOccurrences(response, CLOSE, { overlapping }) !== 1) return 0;
  const answer = compat ? extractAnswer(response) : between(response);
  if (answer === undefined) return 0;
  return parseBoxes(answer, { compat }).length > 0 ? 1 : 0;
}

/** The text between the two marks; they may share one newline when the answer is empty. */
function between(response: string): string | undefined {
  const start = response.indexOf(OPEN) + OPEN.length;
  const end = response.indexOf(CLOSE);
  return end >= start ? response.slice(start, end) : undefined;
}
