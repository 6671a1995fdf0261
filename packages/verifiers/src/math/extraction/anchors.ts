/**
 * The phrases that announce an answer, with Math-Verify 0.9's priorities: 0 "final answer is .. I hope", 50 "final
 * answer .. is", 100 "answer:", 200 "answer", above that anywhere. All targets are regular expressions built from
 * these; each is linear in the text: of two repetitions in a row one is bounded, or the second begins with what the
 * first cannot hold.
 */
import type { Expression } from "../tree/expression";
import type { ExtractionTarget } from "../options";
import { BLANK } from "../text";

export const { raw } = String;

/** Stars of bold print. */
export const BOLD = raw`(?:\*\*)?`;
/** What follows the answer in "final answer is 4. I hope it is correct". */
export const HOPE = raw`\.?${BLANK}?I hope`;
export const PERCENT = raw`%|[Pp]ercent(?:age)??|[Pp]ct`;
const ANSWER = "[aA][nN][sS][wW][eE][rR]";
const FINAL = `[fF][iI][nN][aA][lL] ${ANSWER}`;
const ANCHOR = /(?:final )?answer/i;
/** Any priority above is for what nothing announces. */
const LAST_ANCHOR = 200;

/** A pattern to be found in a text with its priority: the lower, the sooner. */
export type Pattern = readonly [priority: number, pattern: RegExp];

/** An answer and the text it was read from; null when that did not parse. */
export interface Reading {
  readonly value: Expression | string | null;
  readonly text: string;
  /** Whether a limit ended the parse: what the text says is then not known. */
  readonly isCut?: boolean;
}

/** A match in the text, with the reading that it stands for put off until it is its turn. */
export interface Candidate {
  readonly start: number;
  readonly end: number;
  readonly read: () => Reading;
}

/** The candidates of one priority, looked for when it is their turn. */
export type Level = readonly [priority: number, candidates: () => Candidate[]];

export function pattern(source: string): RegExp {
  return new RegExp(source, "gu");
}

/** What the patterns of one target are made of. */
interface PatternParts {
  /** What stands between "final answer is" and the end of "I hope". */
  readonly hoped: string;
  /** What follows "final answer .. is". */
  readonly final: string;
  /** A character of the gap between these two words. */
  readonly gap: string;
  /** What follows "answer" or "answer:". */
  readonly answer: string;
  /** The target's own patterns for what nothing announces. */
  readonly anywhere: readonly Pattern[];
}

/** The patterns of one target. */
export function patternsOf({ hoped, final, gap, answer, anywhere }: PatternParts): readonly Pattern[] {
  return [
    [0, pattern(`${FINAL} [iI][sS]:?${BLANK}*${hoped}`)],
    // Only a whole run of blanks can be followed by "is": without the look behind, every part of it would be tried.
    [50, pattern(`${FINAL}${gap}{0,100}?(?<!${BLANK})${BLANK}+is:?${final}`)],
    [100, pattern(`${ANSWER}:${answer}`)],
    [LAST_ANCHOR, pattern(ANSWER + answer)],
    ...anywhere,
  ];
}

/** Makes a candidate of a match that ends at `end`, if it is one. */
export type Take = (match: RegExpExecArray, end: number, priority?: number) => Candidate | undefined;

/** The candidates of a pattern at or after a place from left to right, none overlapping. */
export function search(text: string, wanted: RegExp, take: Take, from = 0, priority?: number): Candidate[] {
  const found: Candidate[] = [];
  wanted.lastIndex = from;
  for (let match = wanted.exec(text); match; match = wanted.exec(text)) {
    const candidate = take(match, wanted.lastIndex, priority);
    if (candidate) {
      found.push(candidate);
      wanted.lastIndex = candidate.end;
    }
    // An empty match would be found again and again.
    if (wanted.lastIndex === match.index) wanted.lastIndex++;
  }
  return found;
}

/**
 * The levels of the patterns that a target asks for.
 *
 * @param textFrom the text to search, of which nothing before a place matters
 */
export function levelsOf(
  text: string,
  target: ExtractionTarget,
  patterns: readonly Pattern[],
  take: Take,
  textFrom: (from: number) => string = () => text,
): Level[] {
  const announced = text.search(ANCHOR);
  return patterns
    .filter(([priority]) => (priority > LAST_ANCHOR ? target.tryExtractWithoutAnchor : announced >= 0))
    .map(([priority, wanted]) => {
      const from = priority > LAST_ANCHOR ? 0 : announced;
      return [priority, () => search(textFrom(from), wanted, take, from, priority)];
    });
}
