/** What the last announcement announces: "The answer is B, since A is wrong", `**Final Answer:** 12`, `答案：三角形`. */
import { afterNotBut, sentenceAt, soleEmphasis, soleFormula, withoutExplanation, withoutLeadIn } from "./clause";
import { ANNOUNCEMENT, DENIED_AFTER, REVISION } from "./languages";
import type { Place } from "./place";
import { type Span, trimmed } from "./scope";
import { tailsOf } from "./statement";

interface Announcement {
  /** Where the announced text begins. */
  readonly at: number;
  readonly isFinal: boolean;
}

/** Every announcement of a stretch that has something behind it. */
function announcements(text: string, scope: Span): Announcement[] {
  const found: Announcement[] = [];
  const said = text.slice(scope.start, scope.end);
  ANNOUNCEMENT.lastIndex = 0;
  for (let match = ANNOUNCEMENT.exec(said); match !== null; match = ANNOUNCEMENT.exec(said)) {
    if (match[0] === "") ANNOUNCEMENT.lastIndex++;
    const at = beforeBold(text, scope.start + match.index + match[0].length);
    if (!isAsked(said, match.index)) found.push({ at, isFinal: match[1] !== undefined });
  }
  return found;
}

/** The bold that opens right before a place belongs to what follows it, if it closes there. */
function beforeBold(text: string, at: number): number {
  if (text.slice(at - 2, at) !== "**") return at;
  const line = text.slice(at, at + 300).split("\n", 1)[0]!;
  return line.split("**").length % 2 === 0 ? at - 2 : at;
}

/** "Put your final answer ..", "the answer to this": the prompt or the format, no answer. */
const isAsked = (said: string, at: number): boolean =>
  /\b(?:put|give|write|output|provide|state|within|your|format of the|each|no|an?|wrong|incorrect|possible|previous|earlier|first) [*_]{0,2}$/i.test(
    said.slice(Math.max(0, at - 24), at),
  );

/** The places of the last announcement that is not taken back, from the narrowest to the widest. */
export function announcedPlaces(text: string, scope: Span): Place[] {
  const all = announcements(text, scope);
  const lastRevision = lastMatch(REVISION, text, scope);
  // A final answer outweighs what is announced after it, unless that comes with a change of mind.
  const finals = all.filter(({ isFinal, at }) => isFinal && at > lastRevision);
  const ordered = finals.length > 0 ? [...all.filter((one) => !finals.includes(one)), ...finals] : all;
  for (let i = ordered.length - 1; i >= 0; i--) {
    const { at } = ordered[i]!;
    const places = placesFrom(text, at, scope.end);
    if (places.length === 0) continue;
    const isDenied = DENIED_AFTER.test(text.slice(places[0]!.end, places[0]!.end + 60));
    // "The answer is 5. Wait, no, it's 7."
    const restated =
      i === ordered.length - 1 ? revisedPlace(text, { start: places[0]!.end, end: scope.end }, false) : undefined;
    if (restated !== undefined) return restated;
    if (!isDenied) return places;
  }
  return [];
}

/** What follows an announcement. */
function placesFrom(text: string, at: number, end: number): Place[] {
  const rest = trimmed(text, skipMarks(text, at, end), end);
  if (rest.start === rest.end) return [];
  const sentence = afterNotBut(text, withoutLeadIn(text, sentenceAt(text, rest.start, end)));
  if (sentence.start === sentence.end) return [];
  const narrow = withoutExplanation(text, sentence);
  const place = (span: Span, extra?: { isVerbatim: true }): Place => ({
    start: span.start,
    end: span.end,
    how: "announcement",
    text: text.slice(span.start, span.end),
    ...extra,
  });
  const places: Place[] = [];
  const display = displayAt(text, rest, end);
  if (display !== undefined) places.push(place(display));
  places.push(place(narrow));
  for (const inside of [soleEmphasis(text, narrow), soleFormula(text, narrow)])
    if (inside !== undefined) places.push(place(inside));
  for (const tail of tailsOf(text, narrow)) places.push(place(tail));
  places.push(place(sentence, { isVerbatim: true }), place(rest, { isVerbatim: true }));
  return places;
}

/** A displayed formula that follows, over several lines. */
function displayAt(text: string, { start }: Span, end: number): Span | undefined {
  for (const [open, close] of [
    ["\\[", "\\]"],
    ["$$", "$$"],
    ["\\begin{align", "\\end{align"],
  ] as const) {
    if (!text.startsWith(open, start)) continue;
    const stop = text.indexOf(close, start + open.length);
    if (stop === -1 || stop >= end || stop - start > 1000) continue;
    const after = text.slice(stop + close.length, Math.min(end, stop + close.length + 200)).split("\n", 1)[0]!;
    // A formula that the line goes on after is only a part of it.
    return /[\p{L}\p{N}]/u.test(after) ? undefined : { start, end: stop + close.length };
  }
  return undefined;
}

function skipMarks(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && " \t\n:：*_#|".includes(text[at]!)) {
    // The bold that opens here belongs to the answer.
    if (text.startsWith("**", at) && /^\*\*[^\s*]/.test(text.slice(at, at + 3)) && text[at - 1] !== "*") return at;
    at++;
  }
  return at;
}

function lastMatch(pattern: RegExp, text: string, { start, end }: Span): number {
  const said = text.slice(start, end);
  let last = -1;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(said); match !== null; match = pattern.exec(said)) last = start + match.index;
  return last;
}

const RESTATED =
  /\b(?:it|that|this|the (?:correct |right |actual |true )?(?:answer|value|result))?,? ?(?:should|must|ought to) (?:actually |really |instead )?be |\b(?:it|that|the (?:correct |true |actual )?value)(?:['’]s| is) (?:actually |really )?|应该是|应为|改为|正确的是/giu;

/**
 * What a change of mind after the last box puts in the box's place.
 *
 * @param isTakenBack whether the box itself was called wrong, so that no more is needed than a new value
 */
export function revisedPlace(text: string, scope: Span, isTakenBack: boolean): Place[] | undefined {
  const revision = lastMatch(REVISION, text, scope);
  if (revision === -1 && !isTakenBack) return undefined;
  const from = { start: isTakenBack ? scope.start : revision, end: scope.end };
  const announced = announcements(text, from).at(-1)?.at;
  const restated = announced === undefined ? lastEnd(RESTATED, text, from) : announced;
  if (restated === -1) return isTakenBack ? [] : undefined;
  const places = placesFrom(text, restated, scope.end);
  return places.length > 0 && !/^(?:wrong|incorrect|right|correct|true|fine|ok)\b/i.test(places[0]!.text)
    ? places
    : undefined;
}

function lastEnd(pattern: RegExp, text: string, { start, end }: Span): number {
  const said = text.slice(start, end);
  let last = -1;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(said); match !== null; match = pattern.exec(said))
    last = start + match.index + match[0].length;
  return last;
}
