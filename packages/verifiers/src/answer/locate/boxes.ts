/**
 * Boxes: `\boxed{..}`, `\fbox{..}`, `\boxed {..}`, `\boxed 5`, also cut off before they close. Several boxes are one
 * answer of several parts where only list words stand between; otherwise the last one counts that the text does not
 * take back.
 */
import { closingBrace, commandAt } from "../normalize/scan";
import { DENIED_AFTER, DENIED_BEFORE, HEDGED_AFTER } from "./languages";
import type { Span } from "./scope";

export interface Box extends Span {
  /** The whole box with its command. */
  readonly outer: Span;
  readonly isClosed: boolean;
}

const COMMANDS = ["\\boxed", "\\fbox", "\\framebox"] as const;
/** What a box holds that only shows the format. */
const PLACEHOLDER =
  /\\text|[{}$\s.…_]+|\b(?:your|final|the|my|answer|result|number|letter|value|here|option|choice)\b|x{3,}|答案|结果/gi;
/** At most this many boxes are read, from the end. */
const MOST_BOXES = 60;

/** The last boxes of a stretch, in their order. */
export function findBoxes(text: string, start: number, end: number): Box[] {
  const found: Box[] = [];
  let limit = end;
  for (let tried = 0; tried < MOST_BOXES; tried++) {
    const at = lastCommand(text, start, limit);
    if (at === undefined) break;
    const box = boxAt(text, at.at, at.command, end);
    // An outer box holds the inner one.
    if (box !== undefined) {
      while (found.length > 0 && found[0]!.outer.end <= box.outer.end) found.shift();
      found.unshift(box);
    }
    limit = at.at;
  }
  return found.filter(
    (box) => text.slice(box.start, Math.min(box.end, box.start + 80)).replace(PLACEHOLDER, "") !== "",
  );
}

function lastCommand(text: string, start: number, limit: number): { at: number; command: string } | undefined {
  let best: { at: number; command: string } | undefined;
  for (const command of COMMANDS) {
    const at = limit - 1 < start ? -1 : text.lastIndexOf(command, limit - 1);
    if (at >= start && (best === undefined || at > best.at)) best = { at, command };
  }
  return best;
}

function boxAt(text: string, at: number, command: string, end: number): Box | undefined {
  let open = at + command.length;
  while (open < end && (text[open] === " " || text[open] === "\n")) open++;
  if (open >= end) return undefined;
  if (text[open] === "{") {
    const close = closingBrace(text, open, end);
    if (close !== -1) return { start: open + 1, end: close, outer: { start: at, end: close + 1 }, isClosed: true };
    return { start: open + 1, end: cutOffEnd(text, open + 1, end), outer: { start: at, end }, isClosed: false };
  }
  // Without braces TeX boxes one token: a character, or a command with its arguments.
  let stop = open + 1;
  if (text[open] === "\\") {
    stop = open + commandAt(text, open).length;
    while (stop < end && text[stop] === "{") {
      const close = closingBrace(text, stop, end);
      if (close === -1) break;
      stop = close + 1;
    }
  } else if (!/[\p{L}\p{N}]/u.test(text[open]!)) return undefined;
  return { start: open, end: stop, outer: { start: at, end: stop }, isClosed: true };
}

/** A box that never closes reaches to the end of its line, or of the formula around it. */
function cutOffEnd(text: string, from: number, end: number): number {
  const rest = text.slice(from, Math.min(end, from + 2000));
  const stop = /\n\s*\n|\$\$?\s*(?:\n|$)|\\[\])]\s*(?:\n|$)/.exec(rest);
  return stop === null ? end : from + stop.index;
}

/** What may stand between the boxes of one list, token by token. */
const JOIN =
  /[\s,;:.$&|*、，；。/{}]+|\\(?:quad|qquad|text|mathrm|[,;! ()[\]\\])|(?:and|or|while)\b|和|或|以及|与|\((?:[a-h1-9]|i{1,3}|iv|v)\)|(?:[a-h1-9]|i{1,3}|iv|v)\)|part \(?[a-h1-9]\)?:?|\\?[a-zA-Z]+(?:_\{?\w+\}?)?(?:\([a-z]\))? ?(?:=|\\approx|>|<|\\[gl]eq?)/iy;
const LONGEST_JOIN = 60;

function isListJoin(between: string): boolean {
  if (between.length > LONGEST_JOIN || REPLACED.test(between)) return false;
  for (let at = 0; at < between.length; at = JOIN.lastIndex) {
    JOIN.lastIndex = at;
    if (!JOIN.test(between)) return false;
  }
  return true;
}

/** "5 or rather 3" is no list. */
const REPLACED = /rather|actually|instead|wait|no[,;]/i;

/** The boxes that the text stands by at its end: the last one, with those before it that belong to the same list. */
export function standingBoxes(text: string, boxes: readonly Box[], end: number): Box[] {
  let last = boxes.length - 1;
  while (last >= 0 && isDenied(text, boxes[last]!, boxes[last + 1], end)) last--;
  if (last < 0) return [];
  const group = [boxes[last]!];
  for (let i = last - 1; i >= 0; i--) {
    const between = text.slice(boxes[i]!.outer.end, group[0]!.outer.start);
    if (!isListJoin(between)) break;
    group.unshift(boxes[i]!);
  }
  return group;
}

function isDenied(text: string, box: Box, next: Box | undefined, end: number): boolean {
  const before = text.slice(Math.max(0, box.outer.start - 60), box.outer.start);
  if (DENIED_BEFORE.test(before)) return true;
  const after = text.slice(box.outer.end, Math.min(next?.outer.start ?? end, box.outer.end + 120));
  return (
    DENIED_AFTER.test(after) || (next === undefined && HEDGED_AFTER.test(after) && !/\\f?(?:rame)?box/.test(after))
  );
}

/** What boxes of one answer hold, each once, with the names before them. */
export function joinBoxes(text: string, group: readonly Box[], start: number): string {
  if (group.length === 1) return text.slice(group[0]!.start, group[0]!.end);
  const items = group.map((box, i) => {
    const lead = text.slice(i === 0 ? Math.max(start, box.outer.start - 12) : group[i - 1]!.outer.end, box.outer.start);
    const name = /(?:^|[\s,;$(])([a-zA-Z](?:_\{?\w+\}?)?) ?= ?\$?$/.exec(lead)?.[1];
    const content = text.slice(box.start, box.end).trim();
    return name === undefined || content.includes("=") ? content : `${name} = ${content}`;
  });
  return [...new Set(items)].join(", ");
}
