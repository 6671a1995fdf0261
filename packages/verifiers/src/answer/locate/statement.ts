/**
 * The result of the last sentence, for responses that announce nothing: "Therefore, there are 12 apples in total." A
 * sentence that asks, denies or leaves open says no result.
 */
import { sentenceAt, soleEmphasis, soleFormula, withoutExplanation, withoutLeadIn } from "./clause";
import { CLOSING, HEDGED, LINKING, NOT_A_STATEMENT } from "./languages";
import type { How, Place } from "./place";
import { type Span, trimmed } from "./scope";

const LONGEST_SENTENCE = 600;
const OPTION_LINE = /^[-*\s]*\(?([A-J])[.):]\s/;

/** Places in the last sentence, from the most deliberate to the widest. */
export function statementPlaces(text: string, scope: Span): Place[] {
  const line = lastLine(text, scope);
  if (line.start === line.end || isOptionList(text, scope, line)) return [];
  const sentence = lastSentence(text, line);
  const places: Place[] = [];
  const add = (span: Span | undefined, how: How): void => {
    if (span !== undefined && span.end > span.start && span.end - span.start <= LONGEST_SENTENCE)
      places.push({ ...span, how, text: text.slice(span.start, span.end) });
  };
  if (line.start !== scope.start) add(line, "last line");
  const said = text.slice(sentence.start, sentence.end);
  const isExcluding = /^(?:it(?:'s| is) )?not\b/i.test(said);
  const narrow = isExcluding ? sentence : withoutExplanation(text, withoutLeadIn(text, sentence));
  if (narrow.start !== scope.start || narrow.end !== scope.end) add(narrow, "last line");
  if (!/[?？]\s*$/.test(said) && !HEDGED.test(said)) {
    const claim = text.slice(narrow.start, narrow.end);
    const emphasis = soleEmphasis(text, narrow);
    if (emphasis !== undefined && (!NOT_A_STATEMENT.test(claim) || endsSentence(text, emphasis, narrow)))
      add(emphasis, "emphasis");
    if (!NOT_A_STATEMENT.test(claim)) {
      add(soleFormula(text, narrow), "formula");
    }
    for (const tail of tailsOf(text, narrow)) add(tail, "statement");
    if (!NOT_A_STATEMENT.test(claim)) add(datedTail(text, narrow), "statement");
    if (!NOT_A_STATEMENT.test(claim)) add(soleNumber(text, narrow) ?? soleNumberWords(text, narrow), "statement");
    add(subjectOf(text, sentence), "statement");
  }
  return places;
}

/** Whether a stretch ends its sentence, and nothing denies it: "the one that does not belong is **D**". */
const endsSentence = (text: string, span: Span, sentence: Span): boolean =>
  !/[\p{L}\p{N}]/u.test(text.slice(span.end, sentence.end)) &&
  !DENIED.test(text.slice(sentence.start, span.start).replace(/[*"“]+$/, ""));

/** The last line that is no rule, fence or closing mark. */
function lastLine(text: string, scope: Span): Span {
  let end = scope.end;
  for (;;) {
    const start = Math.max(scope.start, text.lastIndexOf("\n", end - 1) + 1);
    const span = trimmed(text, start, end);
    if (start <= scope.start) return span;
    const said = text.slice(span.start, Math.min(span.end, span.start + 200));
    if (/[\p{L}\p{N}]|[+×✓✗√]/u.test(said) && !CLOSING.test(said)) return withoutDash(text, scope, span);
    end = start - 1;
    if (end <= scope.start) return { start: scope.start, end: scope.start };
  }
}

/** A line without the dash of a list: where the line before begins with one, too, it is no minus. */
function withoutDash(text: string, scope: Span, line: Span): Span {
  if (!text.startsWith("- ", line.start) || line.start <= scope.start) return line;
  const end = text.lastIndexOf("\n", line.start);
  const before = trimmed(text, Math.max(scope.start, text.lastIndexOf("\n", end - 1) + 1), end);
  return text.startsWith("- ", before.start) ? trimmed(text, line.start + 2, line.end) : line;
}

function lastSentence(text: string, line: Span): Span {
  const from = Math.max(line.start, line.end - 2000);
  let sentence = sentenceAt(text, from, line.end);
  for (
    let next = trimmed(text, sentence.end, line.end);
    next.start < next.end;
    next = trimmed(text, sentence.end, line.end)
  ) {
    const following = sentenceAt(text, skipStop(text, next.start), line.end);
    if (following.start >= following.end) break;
    // "There are 18. Let me know if you need more help!"
    if (CLOSING.test(text.slice(following.start, following.start + 200))) break;
    sentence = following;
  }
  return sentence;
}

const skipStop = (text: string, at: number): number => (text[at] === "。" || text[at] === "！" ? at + 1 : at);

/** "A. 12" below "B. 14": options that were copied, not chosen. */
function isOptionList(text: string, scope: Span, line: Span): boolean {
  const letter = OPTION_LINE.exec(text.slice(line.start, line.start + 20))?.[1];
  const own = text.slice(line.start, line.end);
  if ((own.match(/(?:^|\s)\(?[A-J][.)] /g) ?? []).length > 1) return true;
  if (letter === undefined || line.start <= scope.start) return false;
  const before = lastLine(text, { start: scope.start, end: line.start - 1 });
  return OPTION_LINE.test(text.slice(before.start, before.start + 20));
}

/** What follows the linking verbs of a sentence, the last one first. */
export function tailsOf(text: string, span: Span): Span[] {
  const said = text.slice(span.start, span.end);
  if (said.length > LONGEST_SENTENCE || HEDGED.test(said)) return [];
  const tails: Span[] = [];
  LINKING.lastIndex = 0;
  for (let match = LINKING.exec(said); match !== null; match = LINKING.exec(said)) {
    if (DENIED.test(said.slice(0, match.index))) continue;
    const tail = trimmed(text, span.start + match.index + match[0].length, span.end);
    const colon = /^(?:as follows|the following)?: ?/.exec(text.slice(tail.start, tail.start + 20));
    tails.unshift(colon === null ? tail : trimmed(text, tail.start + colon[0].length, tail.end));
  }
  return tails;
}

/** "cannot be 5". */
const DENIED = /(?:\b(?:not|cannot|never|hardly|no|nicht|nunca|ne)|n['’]t?|не|不|非) ?$/i;

const PREPOSITION =
  /\b(?:on|in|at|since|until) (?=(?:the )?(?:\d{1,2}(?:st|nd|rd|th)? )?[A-Z][a-z]{2,8}\.? \d|\d{1,2}(?:st|nd|rd|th)? (?:of )?[A-Z][a-z]{2,8}\b|\d{1,2}:\d{2}|\d{4}-\d)/g;

/** A date or time at the end of a sentence: "It was signed on July 4, 1776." */
function datedTail(text: string, span: Span): Span | undefined {
  const said = text.slice(span.start, span.end);
  const last = [...said.matchAll(PREPOSITION)].at(-1);
  return last && trimmed(text, span.start + last.index + last[0].length, span.end);
}

const NUMBER_WORDS =
  /\b(?:(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|halves|half|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?|one (?=half|third|quarter|fourth|fifth|sixth|eighth|tenth))[ -]?)+/gi;

/** The only number of a sentence, in words: "She ate two thirds of the cake." */
function soleNumberWords(text: string, span: Span): Span | undefined {
  const said = text.slice(span.start, span.end);
  const found = said.length > LONGEST_SENTENCE || /\d/.test(said) ? [] : [...said.matchAll(NUMBER_WORDS)];
  if (found.length !== 1) return undefined;
  const start = span.start + found[0]!.index;
  return trimmed(text, start, start + found[0]![0].length);
}

const SUPERLATIVE =
  /^(?:the |in |so,? )?(\S.{0,60}?) (?:has|had|is|was|shows?|showed|recorded|experienced|saw|ranks?|ranked|gets?|got|wins?|won|scored)(?: by far)? (?:the )?(?:highest|lowest|largest|smallest|most|least|greatest|biggest|first|last|longest|shortest|tallest|fastest|slowest|best|worst|heaviest|oldest|youngest)\b/i;

/** Who or what a superlative is said of: "Germany had the highest value." */
function subjectOf(text: string, span: Span): Span | undefined {
  const said = text.slice(span.start, span.end);
  const match = said.length > LONGEST_SENTENCE ? null : SUPERLATIVE.exec(said);
  if (match === null || /\b(?:not|neither|no|nor|or)\b|n't/i.test(match[0])) return undefined;
  const start = span.start + match[0].indexOf(match[1]!);
  return { start, end: start + match[1]!.length };
}

const NUMBER =
  /(?<![\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\d_.,:/^-])-?[$€£¥]?\d[\d,]*(?:\.\d+)?%?(?![\p{Script=Latin}\d_:/^]|[.,-]\d)/gu;

/** The only number of a sentence. */
function soleNumber(text: string, span: Span): Span | undefined {
  const said = text.slice(span.start, span.end);
  if ((said.match(/\d+/g) ?? []).length > 3) return undefined;
  const found = [...said.matchAll(NUMBER)];
  const digits = said.replace(NUMBER, "");
  if (found.length !== 1 || /\d/.test(digits)) return undefined;
  const start = span.start + found[0]!.index;
  return { start, end: start + found[0]![0].length };
}
