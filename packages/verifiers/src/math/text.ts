/**
 * Small questions about characters, with Python's answers: what counts as blank in `re` and `str.strip`.
 */

/** What Python's `\s` matches, for the inside of a character class; with the flag u or without. */
export const BLANKS = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
/** Pattern of one such character. */
export const BLANK = `[${BLANKS}]`;
const IS_BLANK = new RegExp(BLANK);

/** `text` without blanks at both ends. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && IS_BLANK.test(text[start]!)) start++;
  while (end > start && IS_BLANK.test(text[end - 1]!)) end--;
  return text.slice(start, end);
}
