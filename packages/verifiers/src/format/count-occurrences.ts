/**
 * Counts how often a mark stands in a text, overlapping occurrences included.
 *
 * `"\n</think>\n</think>\n"` holds `"\n</think>\n"` twice, sharing a newline. Python's `str.count`, which the original
 * V-Triune uses, sees one there, and so lets a repeated tag pass as unique; `overlapping: false` counts like it.
 *
 * @param text any string, also with lone surrogates
 * @param mark what to look for; an empty mark occurs 0 times
 */
export function countOccurrences(text: string, mark: string, options: { readonly overlapping?: boolean } = {}): number {
  if (mark.length === 0) return 0;
  const stride = (options.overlapping ?? true) ? 1 : mark.length;
  let count = 0;
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + stride)) count++;
  return count;
}
