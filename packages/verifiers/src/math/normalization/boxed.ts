/**
 * Contents of `\boxed{}` and `\fbox{}`, read from the end of the text (latex2sympy2_extended 1.11). "all" joins every box with
 * commas; "last" takes the last one and those before it that stand close by or behind a separator.
 */
import { max } from "../floats";
import { isSpace, strip } from "../text";

const SEPARATOR = /\b(?:and|or)\b|,|;/;

/** The boxed contents joined by commas; the text itself where nothing is boxed. */
export const extractBoxed = (text: string, mode: "last" | "all"): string => {
  const closers = matchBraces(text);
  const results: string[] = [];
  let position = text.length;
  let limit = text.length;
  let lastStart: number | null = null;
  let boxed = text.length;
  let framed = text.length;
  for (;;) {
    if (boxed >= position - 5) boxed = lastIndexBefore(text, "\\boxed", position);
    if (framed >= position - 4) framed = lastIndexBefore(text, "\\fbox", position);
    if (boxed < 0 && framed < 0) break;
    const start = max(boxed, framed);
    let open = start + (boxed > framed ? 6 : 5);
    while (open < limit && isSpace(text.charCodeAt(open))) open++;
    if (open >= limit) break;
    if (text[open] !== "{") {
      if (results.length === 0) results.push(text.slice(open));
      break;
    }
    const close = closers.get(open);
    if (close === undefined || close >= limit) {
      if (results.length === 0) results.push(text.slice(open));
      break;
    }
    const content = strip(text.slice(open + 1, close));
    if (mode === "last" && lastStart !== null && !belongs(text.slice(close + 1, max(close + 1, lastStart)), content, results[results.length - 1] ?? "")) break;
    if (results[results.length - 1] !== content) results.push(content);
    lastStart = start;
    limit = start;
    position = start;
  }
  return results.length === 0 ? text : results.reverse().join(",");
};

const lastIndexBefore = (text: string, needle: string, end: number): number => end < needle.length ? -1 : text.lastIndexOf(needle, end - needle.length);

const belongs = (between: string, content: string, following: string): boolean => {
  if (between.length < 10) return true;
  return following !== content && between.length < 70 && SEPARATOR.test(between);
};

/** Opening brace → its closing brace. */
const matchBraces = (text: string): Map<number, number> => {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 123) open.push(i);
    else if (code === 125) {
      const start = open.pop();
      if (start !== undefined) pairs.set(start, i);
    }
  }
  return pairs;
};
