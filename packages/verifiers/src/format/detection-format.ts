/**
 * The format reward of `detection` samples (V-Triune, arXiv 2505.18129): 1 if there is exactly one `\n<answer>\n` and
 * exactly one `\n</answer>`, and the text between them parses to at least one box; else 0.
 *
 * The original tests only that the opening mark occurs at all, and reads the first `<answer>..</answer>`, which need
 * not be the one it counted. `compat` restores both.
 */
import { parseBoxes } from "../boxes/parse-boxes";
import { extractAnswer, stripPython } from "./answer-text";
import { countOccurrences } from "./count-occurrences";
import type { FormatOptions } from "./mathverify-format";

const OPEN = "\n<answer>\n";
const CLOSE = "\n</answer>";

/**
 * Scores the form of a detection answer: 0 or 1.
 *
 * @example detectionFormat("..\n<answer>\n[{'bbox_2d': [1, 2, 3, 4], 'label': 'cat'}]\n</answer>") // 1
 */
export function detectionFormat(response: string, options: FormatOptions = {}): number {
  const compat = options.compat ?? false;
  const answer = formattedAnswer(response, compat);
  return answer !== undefined && parseBoxes(answer, { compat }).length > 0 ? 1 : 0;
}

/**
 * The text whose boxes decide the format, or undefined when the marks are wrong. For the verifier, which has usually
 * parsed the same text for its accuracy already.
 */
export function formattedAnswer(response: string, compat: boolean): string | undefined {
  const overlapping = !compat;
  const opens = countOccurrences(response, OPEN, { overlapping });
  if (compat ? opens === 0 : opens !== 1) return undefined;
  if (countOccurrences(response, CLOSE, { overlapping }) !== 1) return undefined;
  return compat ? extractAnswer(response) : between(response);
}

/** The text between the two marks; they may share one newline when the answer is empty. */
function between(response: string): string | undefined {
  const start = response.indexOf(OPEN) + OPEN.length;
  const end = response.indexOf(CLOSE);
  return end >= start ? stripPython(response.slice(start, end)) : undefined;
}
