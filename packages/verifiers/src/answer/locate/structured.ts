/** Answers as data: a JSON object with an answer in it, bare or fenced, and GSM8K's `#### 18`. */
import type { Place } from "./place";
import type { Span } from "./scope";
import { trimmed } from "./scope";

const KEY =
  /["'](?:final[_ ]?answer|answer|ans|result|final_result|solution|choice|option|prediction|value|output|答案)["'] *: */gi;
const LONGEST_OBJECT = 20_000;

/** The value under the last answer key of an object that ends the response. */
export function dataAnswer(text: string, scope: Span): Place | undefined {
  const start = Math.max(scope.start, scope.end - LONGEST_OBJECT);
  const said = text.slice(start, scope.end);
  if (!said.includes("{") || !/\}\s*(?:```)?\s*[.。]?\s*$/.test(said.slice(-40))) return undefined;
  KEY.lastIndex = 0;
  let last: RegExpExecArray | undefined;
  for (let match = KEY.exec(said); match !== null; match = KEY.exec(said)) last = match;
  if (last === undefined) return undefined;
  const from = last.index + last[0].length;
  const read = valueAt(said, from);
  if (read === undefined) return undefined;
  return { start: start + from, end: start + read.end, how: "data", text: read.text };
}

/** A JSON or Python value: a string without its quotes and escapes, a number, a list, a word. */
function valueAt(text: string, from: number): { text: string; end: number } | undefined {
  const quote = text[from];
  if (quote === '"' || quote === "'") {
    let value = "";
    for (let at = from + 1; at < text.length; at++) {
      const character = text[at]!;
      if (character === quote) return { text: value, end: at + 1 };
      if (character === "\\") {
        const next = text[at + 1] ?? "";
        // Escaped backslashes and quotes are themselves; a lone backslash is LaTeX that was not escaped.
        if (next === "\\" || next === '"' || next === "'" || next === "/") {
          value += next;
          at++;
          continue;
        }
        if (next === "n" && !/[a-z]/.test(text[at + 2] ?? "")) {
          value += "\n";
          at++;
          continue;
        }
        const code = /^u([\da-fA-F]{4})/.exec(text.slice(at + 1, at + 6));
        if (code !== null) {
          value += String.fromCharCode(Number.parseInt(code[1]!, 16));
          at += 5;
          continue;
        }
      }
      value += character;
    }
    return undefined;
  }
  const list = /^\[[^[\]{}]{0,2000}\]/.exec(text.slice(from, from + 2010));
  if (list !== null) return { text: list[0].slice(1, -1).replace(/["']/g, ""), end: from + list[0].length };
  const bare = /^(?:-?[\d.][\d.eE+-]*|true|false|null|none|[A-Za-z]{1,20})/i.exec(text.slice(from, from + 80));
  return bare === null ? undefined : { text: bare[0], end: from + bare[0].length };
}

/** What stands behind the last `####` of a response, which ends it. */
export function hashAnswer(text: string, scope: Span): Place | undefined {
  const at = text.lastIndexOf("####", scope.end);
  if (at < scope.start || text[at + 4] === "#" || (at > scope.start && text[at - 1] !== "\n" && text[at - 1] !== " "))
    return undefined;
  const lineEnd = text.indexOf("\n", at);
  const end = lineEnd === -1 ? scope.end : Math.min(lineEnd, scope.end);
  const span = trimmed(text, at + 4, end);
  // A heading of Markdown has text below it, an answer has none.
  if (span.start === span.end || trimmed(text, end, scope.end).start < trimmed(text, end, scope.end).end)
    return undefined;
  return { ...span, how: "hash mark", text: text.slice(span.start, span.end) };
}
