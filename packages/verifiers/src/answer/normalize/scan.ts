/** Small readers of LaTeX text, shared by the stages. Each looks at a character at most once. */

/** Where the group that opens at `open` closes, or -1. Escaped braces do not count. */
export function closingBrace(text: string, open: number, end = text.length): number {
  let depth = 0;
  for (let at = open; at < end; at++) {
    const character = text[at];
    if (character === "\\") at++;
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at;
  }
  return -1;
}

/** Whether every brace and bracket of these kinds closes. */
export function isBalanced(text: string, pairs = "{}"): boolean {
  const open: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "\\") at++;
    else {
      const kind = pairs.indexOf(character);
      if (kind === -1) continue;
      if (kind % 2 === 0) open.push(pairs[kind + 1]!);
      else if (open.pop() !== character) return false;
    }
  }
  return open.length === 0;
}

const OPENERS = "([{";
const CLOSERS = ")]}";

/** The name of the command at `at` with its backslash: letters, or one other character. */
export function commandAt(text: string, at: number): string {
  let end = at + 1;
  while (end < text.length && isLetter(text.charCodeAt(end))) end++;
  return text.slice(at, Math.max(end, at + 2));
}

/** Whether a code unit is one of a-z and A-Z. */
export const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90);

/** Whether a code unit is one of 0-9. */
export const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/**
 * Splits a text where a pattern matches outside of all brackets. Half-open intervals count as brackets.
 *
 * @param separator sticky (flag `y`)
 */
export function splitOutside(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (depth === 0) {
      separator.lastIndex = at;
      const match = separator.exec(text);
      if (match !== null && match[0] !== "") {
        parts.push(text.slice(start, at));
        start = at + match[0].length;
        at = start - 1;
        continue;
      }
    }
    if (character === "\\") {
      const command = commandAt(text, at);
      if (command === "\\{" || command === "\\langle" || command === "\\begin") depth++;
      else if (command === "\\}" || command === "\\rangle" || command === "\\end") depth = Math.max(0, depth - 1);
      at += command.length - 1;
    } else if (OPENERS.includes(character)) depth++;
    else if (CLOSERS.includes(character)) depth = Math.max(0, depth - 1);
  }
  parts.push(text.slice(start));
  return parts;
}

/** What stands inside one pair of brackets around the whole text, or undefined. */
export function insideBrackets(text: string): { open: string; close: string; inner: string } | undefined {
  const match = /^(\\\{|\\langle(?![a-zA-Z])|[([{<])/.exec(text);
  if (match === null) return undefined;
  const open = match[0];
  const close = /(\\\}|\\rangle|[)\]}>])$/.exec(text)?.[0];
  if (close === undefined || text.length < open.length + close.length) return undefined;
  const inner = text.slice(open.length, text.length - close.length);
  let depth = 0;
  for (let at = 0; at < inner.length; at++) {
    const character = inner[at]!;
    if (character === "\\") {
      const command = commandAt(inner, at);
      if (command === "\\{" || command === "\\langle") depth++;
      else if (command === "\\}" || command === "\\rangle") depth--;
      at += command.length - 1;
    } else if (OPENERS.includes(character)) depth++;
    else if (CLOSERS.includes(character)) depth--;
    if (depth < 0) return undefined;
  }
  return depth === 0 ? { open, close, inner } : undefined;
}
