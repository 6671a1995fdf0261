/**
 * The JSON value that a response gives: the whole answer, else the last code fence that holds JSON, else the last
 * object or list that stands in prose. Looked for behind the thought, inside the last answer block or box. Linear in
 * the text: braces are counted once, and every character is parsed at most three times.
 */
import { findBoxes } from "../answer/locate/boxes";
import { answerScope } from "../answer/locate/scope";
import type { Json } from "./validate-schema";

/** Values nested deeper than an answer ever is are none, so that recursion stays shallow. */
const DEEPEST = 100;
/** At most this many fences and values in prose are tried, from the last. */
const MOST_TRIED = 20;

/**
 * Finds the JSON value of a text.
 *
 * @returns undefined when there is none
 * @example findJson("Here it is: {\"n\": 3}") // { value: { n: 3 } }
 */
export function findJson(text: string): { readonly value: Json } | undefined {
  const scope = answerScope(text);
  if (scope.isOnlyThought) return undefined;
  const said = text.slice(scope.start, scope.end);
  const box = findBoxes(said, 0, said.length).at(-1);
  return (
    parsed(said) ??
    (box === undefined ? undefined : parsed(said.slice(box.start, box.end))) ??
    firstOf(fences(said)) ??
    firstOf(valuesIn(said))
  );
}

function firstOf(texts: readonly string[]): { readonly value: Json } | undefined {
  for (const text of texts.slice(-MOST_TRIED).reverse()) {
    const read = parsed(text);
    if (read !== undefined) return read;
  }
  return undefined;
}

function parsed(text: string): { readonly value: Json } | undefined {
  const bare = text.trim();
  // What cannot be JSON is turned away before JSON.parse builds an exception.
  if (!/^[[{"\d-]|^(?:true|false|null)$/.test(bare) || isDeeperThan(bare, DEEPEST)) return undefined;
  try {
    return { value: JSON.parse(bare) as Json };
  } catch {
    return undefined;
  }
}

/** What stands in code fences, without the name of the language. */
function fences(text: string): string[] {
  const marks: number[] = [];
  for (let at = text.indexOf("```"); at !== -1; at = text.indexOf("```", at + 3)) marks.push(at);
  const inside: string[] = [];
  for (let i = 0; i + 1 < marks.length; i += 2)
    inside.push(text.slice(marks[i]! + 3, marks[i + 1]).replace(/^[a-zA-Z0-9]+(?=[\s[{])/, ""));
  // A fence that never closes, and one around text with fences in it.
  if (marks.length % 2 === 1) inside.push(text.slice(marks.at(-1)! + 3).replace(/^[a-zA-Z0-9]+(?=[\s[{])/, ""));
  if (marks.length > 2) inside.unshift(text.slice(marks[0]! + 3, marks.at(-1)).replace(/^[a-zA-Z0-9]+(?=[\s[{])/, ""));
  return inside;
}

/** Objects and lists that close, the outermost of each. Brackets in strings do not count. */
function valuesIn(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"' || character === "\n") inString = false;
    } else if (character === '"') inString = depth > 0;
    else if (character === "{" || character === "[") {
      if (depth++ === 0) start = at;
    } else if ((character === "}" || character === "]") && depth > 0 && --depth === 0)
      found.push(text.slice(start, at + 1));
  }
  return found;
}

function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > limit) return true;
  }
  return false;
}
