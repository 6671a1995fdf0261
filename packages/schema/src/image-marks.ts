/** The mark that stands for a picture inside a prompt. */
export const IMAGE_MARK = "<image>";

/**
 * Counts `<image>` marks.
 *
 * ```ts
 * countImageMarks("<image>\nCompare with <image>.") // 2
 * ```
 */
export function countImageMarks(text: string): number {
  let count = 0;
  for (let at = text.indexOf(IMAGE_MARK); at >= 0; at = text.indexOf(IMAGE_MARK, at + IMAGE_MARK.length)) count++;
  return count;
}
