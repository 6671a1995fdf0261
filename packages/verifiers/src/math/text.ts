/**
 * Small questions about characters, with Python's answers: what counts as blank in `re` and `str.strip`.
 */

/** Pattern of one character that Python's `\s` matches. */
export const BLANK = String.raw`(?:(?!\ufeff)[\s\x1c-\x1f\x85])`;
const IS_BLANK = new RegExp(BLANK);

/** `text` without blanks at both ends. */
export const strip = (text: string): string => {
  let start = 0;
  let end = text.length;
  while (start < end && IS_BLANK.test(text[start]!)) start++;
  while (end > start && IS_BLANK.test(text[end - 1]!)) end--;
  return text.slice(start, end);
};
