/**
 * The text of the first `<answer>..</answer>`, stripped, as the original V-Triune reads it (`re.search` of
 * `<answer>(.*?)</answer>` with DOTALL, then `str.strip`). Found by two index searches, so in linear time.
 */

// Python's str.strip removes what str.isspace accepts: unlike String.prototype.trim also \x1c-\x1f and \x85, but not
// the BOM.
const PYTHON_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const PYTHON_SPACE_CHARACTER = new RegExp(`[${PYTHON_SPACE}]`);

/** Strips white space from both ends as Python's `str.strip` does, in linear time. */
export function stripPython(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && PYTHON_SPACE_CHARACTER.test(text.charAt(start))) start++;
  while (end > start && PYTHON_SPACE_CHARACTER.test(text.charAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/**
 * Reads the first answer block of a response or of a gold answer.
 *
 * @param text the whole text
 * @returns the stripped content, or undefined when there is no closed `<answer>` block
 */
export function extractAnswer(text: string): string | undefined {
  const open = text.indexOf("<answer>");
  if (open === -1) return undefined;
  const close = text.indexOf("</answer>", open + "<answer>".length);
  if (close === -1) return undefined;
  return stripPython(text.slice(open + "<answer>".length, close));
}
