/**
 * Marks around mathematics and around words: `$..$`, `\(..\)`, `\[..\]`, bold, italics, code. A dollar sign that is
 * money stays.
 */
import { commandAt } from "./scan";

/**
 * The text without math delimiters. Two formulas with nothing but blanks between become a list.
 *
 * @example stripDelimiters("$x$ costs $5") // "x costs $5"
 */
export function stripDelimiters(text: string): string {
  if (!/[$]|\\[()[\]]/.test(text)) return text;
  const dollars = dollarMarks(text);
  let out = "";
  let closedAt = -1;
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    if (character === "\\") {
      const command = commandAt(text, at);
      if (command === "\\(" || command === "\\[") {
        out = withBetween(out, text, closedAt, at, at + 2);
        at += 2;
      } else if (command === "\\)" || command === "\\]") {
        at += 2;
        closedAt = at;
      } else {
        out += command;
        at += command.length;
      }
    } else if (character === "$") {
      const width = text[at + 1] === "$" ? 2 : 1;
      const role = dollars.get(at);
      if (role === "money") out += "$";
      else if (role === "open") out = withBetween(out, text, closedAt, at, at + width);
      at += width;
      if (role === "close") closedAt = at;
    } else {
      out += character;
      at++;
    }
  }
  return out;
}

/**
 * The text so far, with a comma where one formula follows another with only blanks between, unless the second goes on
 * with the first.
 */
function withBetween(out: string, text: string, closedAt: number, open: number, start: number): string {
  if (closedAt === -1 || closedAt === open || text.slice(closedAt, open).trim() !== "") return out;
  const goesOn = /^\s*(\\?(text|math)|[-=<>+,.;:)]|\\(le|ge|ne|approx|in|times|cdot)\b)/;
  return goesOn.test(text.slice(start, start + 12)) ? out : `${out.trimEnd()}, `;
}

type Role = "open" | "close" | "money" | "stray";

/** What each dollar sign is. */
function dollarMarks(text: string): Map<number, Role> {
  const marks: { at: number; end: number }[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "$") {
      const end = text[at + 1] === "$" ? at + 2 : at + 1;
      marks.push({ at, end });
      at = end - 1;
    }
  }
  const roles = new Map<number, Role>();
  for (let i = 0; i < marks.length; i++) {
    const { at, end } = marks[i]!;
    const next = marks[i + 1];
    const beforeAmount = end === at + 1 && /^ ?-?\.?\d/.test(text.slice(end, end + 4));
    const nextBeforeAmount = next !== undefined && next.end === next.at + 1 && /\d/.test(text[next.end] ?? "");
    if (beforeAmount && (next === undefined || (nextBeforeAmount && !/\d\s*$/.test(text.slice(end, next.at)))))
      roles.set(at, "money");
    else if (beforeAmount && nextBeforeAmount && /^[\d.,]+\s*[-~]?\s*$/.test(text.slice(end, next.at)))
      roles.set(at, "money");
    else if (next !== undefined) {
      roles.set(at, "open").set(next.at, "close");
      i++;
    } else roles.set(at, /\d ?$/.test(text.slice(Math.max(0, at - 2), at)) ? "money" : "stray");
  }
  return roles;
}

const FENCE = /```[a-zA-Z0-9]*\n?|```/g;
const PAIRS: readonly RegExp[] = [
  /\*\*\*([^*\n]+)\*\*\*/g,
  /\*\*([^*\n]+)\*\*/g,
  /(?<![\w*])\*([^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])/g,
  /(?<![\w_])__([^_\n]+)__(?![\w_])/g,
  /``?([^`\n]+)``?/g,
  /(?<![=\w])==([^=\n]+)==(?![=\w])/g,
  /(?<![\w\\}])_([^_\s{][^_\n]{0,100})_(?!\w)/g,
];
const HTML = /<\/?(?:b|i|u|em|strong|mark|span|p|div|code|font|center)(?: [^<>]*)?\/?>/gi;
const LINE_MARKS = /^[ ]*(?:#{1,6} +|> +(?=[^\s\d-])|[*+] +)/gm;

/** Two lines or more that begin with a dash: points, and no minus. */
const DASHED_LINES = /^[ ]*- +\S.*(?:\n[ ]*- +\S.*)+$/m;

/** The text without Markdown's bold, italics, code, headings and bullets. */
export function stripMarkdown(text: string): string {
  if (!/[*_`#>+\\=]|^ *- /m.test(text)) return text;
  let out = text.replace(FENCE, "\n");
  if (out.includes("<"))
    out = out
      .replace(
        /<(su[pb])>([^<>]{1,40})<\/\1>/gi,
        (_, tag: string, script: string) => `${tag === "sup" ? "^" : "_"}{${script}}`,
      )
      .replace(/<br ?\/?>/gi, "\n")
      .replace(HTML, (tag) => (tag === text.trim() ? tag : ""));
  for (const pair of PAIRS) out = out.replace(pair, "$1");
  return out
    .replace(/(?<!\*)\*\*(?=[\s.,;:!?)]*$)|^\s*\*\*(?!\*)/g, "")
    .replace(LINE_MARKS, "")
    .replace(DASHED_LINES, (lines) => lines.replace(/^[ ]*- +/gm, ""))
    .replace(/\\([*#&_%])/g, "$1");
}
