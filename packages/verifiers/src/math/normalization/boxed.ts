/**
 * Contents of `\boxed{}` and `\fbox{}`, read from the end of the text (latex2sympy2_extended 1.11). "all" joins every
 * box with commas; "last" takes the last one and those before it that stand close by or behind a separator.
 */
import { BLANK, strip } from "../text";

const SEPARATOR = /\b(?:and|or)\b|,|;/;
const PIECES = new RegExp(String.raw`\\(?:boxed|fbox)${BLANK}*|[{}]`, "g");

/** The boxed contents joined by commas; the text itself where nothing is boxed. */
export function extractBoxed(text: string, mode: "last" | "all"): string {
  if (!/\\f?box/.test(text)) return text;
  const open: number[] = [];
  /** Opening brace → its closing brace. */
  const closers = new Map<number | undefined, number>();
  const boxes: [start: number, brace: number][] = [];
  for (const { 0: piece, index } of text.matchAll(PIECES)) {
    if (piece === "{") open.push(index);
    else if (piece === "}") closers.set(open.pop(), index);
    else boxes.push([index, index + piece.length]);
  }
  let result: string | undefined;
  let following: string | undefined;
  let limit = text.length;
  for (const [start, brace] of boxes.reverse()) {
    const close = closers.get(brace) ?? limit;
    if (close >= limit) return result ?? (text.slice(brace) || text);
    const content = strip(text.slice(brace + 1, close));
    const between = text.slice(close + 1, limit);
    if (
      mode === "last" &&
      following !== undefined &&
      between.length > 9 &&
      (following === content || between.length > 69 || !SEPARATOR.test(between))
    )
      break;
    if (following !== content) result = result === undefined ? content : `${content},${result}`;
    following = content;
    limit = start;
  }
  return result ?? text;
}
