/**
 * Reflection words: signs that a response looks back at its own reasoning (arXiv 2505.18129, monitoring).
 *
 * A word counts where it stands as a word: case does not matter, a line break may replace a space, but "wait" is not
 * found in "waiter" nor "yet" in "yeti", which plain substring search would report for OCR answers.
 */

/** The 15 words and phrases, in the paper's order. */
export const REFLECTION_WORDS = [
  "re-check",
  "re-evaluate",
  "re-examine",
  "re-think",
  "recheck",
  "reevaluate",
  "reexamine",
  "reevaluation",
  "rethink",
  "check again",
  "think again",
  "try again",
  "verify",
  "wait",
  "yet",
] as const;

const wordPattern = (word: string): string => `\\b${word.replaceAll(" ", "\\s+")}\\b`;
/** All words with their common beginnings factored out, which scans twice as fast as the plain alternation. */
const anyWord =
  /\b(?:re(?:-?(?:check|evaluate|examine|think)|evaluation)|(?:check|think|try)\s+again|verify|wait|yet)\b/i;
const eachWord = REFLECTION_WORDS.map((word) => new RegExp(wordPattern(word), "gi"));

/**
 * How often each reflection word occurs, in the order of REFLECTION_WORDS. Overlapping phrases count for each
 * ("re-check again" is both "re-check" and "check again").
 *
 * @returns null when there is none, which is the common case and costs one scan
 */
export function countReflectionWords(response: string): readonly number[] | null {
  if (!anyWord.test(response)) return null;
  return eachWord.map((pattern) => response.match(pattern)?.length ?? 0);
}
