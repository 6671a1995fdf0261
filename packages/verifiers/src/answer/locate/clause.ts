/**
 * The answer within the words around it: where its sentence ends, and what of the sentence only explains.
 */
import { type Span, trimmed } from "./scope";

const ABBREVIATION =
  /(?:^|[\s(])(?:[A-Z]|Dr|Mr|Mrs|Ms|St|No|Nr|vs|etc|approx|Fig|Jr|Sr|Prof|Inc|Ltd|Co|Rs|ca|e\.g|i\.e|a\.m|p\.m|[A-Z]\.[A-Z])\.$/;
const OPENS_CLAUSE =
  /(?: \(?|, ?|; ?)(?:since|because|as (?:it|the|this|they|shown|we|a)\b|so that|which|where(?:as)?|due to|based on|according to|given that|for the reason|when\b|while\b|but\b(?![^.]{0,40}\b(?:could|may|might|also|possibly|perhaps|maybe)\b)|who\b|unlike\b|compared\b|rather than|instead of|(?<=[,;] ?)not\b(?! (?:enough|a|an|possible|defined)\b)|meaning|making|hence|assuming|following|i\.e\.|that is)\b|[，,；;] ?(?:因为|由于|而(?!是)|所以|因此|即|比|不是)| ?(?:因为|由于)/iu;

/**
 * The sentence that begins at a place: to the end of its line, or to a full stop that ends a sentence.
 */
export function sentenceAt(text: string, start: number, end: number): Span {
  let depth = 0;
  for (let at = start; at < end; at++) {
    const character = text[at]!;
    if (character === "\n") {
      if (depth === 0 && text.slice(start, at).trim() !== "") return trimmed(text, start, at);
    } else if (character === "\\") {
      const next = text[at + 1];
      if (next === "(" || next === "[") depth++;
      else if (next === ")" || next === "]") depth = Math.max(0, depth - 1);
      at++;
    } else if (character === "。" || character === "！") {
      if (depth === 0) return trimmed(text, start, at);
    } else if ((character === "." || character === "!") && isSentenceEnd(text, start, at, end))
      return trimmed(text, start, at + 1);
  }
  return trimmed(text, start, end);
}

function isSentenceEnd(text: string, start: number, at: number, end: number): boolean {
  const next = text[at + 1];
  if (at + 1 < end && next !== " " && next !== "\n" && next !== "*" && next !== '"' && next !== "$" && next !== ")")
    return false;
  if (text[at] === "!" && /\d/.test(text[at - 1] ?? "")) return false;
  const lead = text.slice(Math.max(start, at - 8), at + 1);
  if (text[at + 1] === " " && ABBREVIATION.test(lead)) {
    // "A. 12 cm", "U.S. dollars": the sentence goes on; "It is B. The others are wrong": it does not.
    return /^[A-Z]\.$/.test(lead.trim())
      ? false
      : /(?:^|\s)[A-Z]\.$/.test(lead) &&
          /^ (?:[A-Z][a-z]+ |Wait|Therefore|This|The|So|Note)/.test(text.slice(at + 1, at + 20));
  }
  return true;
}

/** A stretch without the explanation that follows the answer: "B, since A is wrong", "5, not 6", "12 (or so)". */
export function withoutExplanation(text: string, span: Span): Span {
  const said = text.slice(span.start, Math.min(span.end, span.start + 2000));
  const clause = OPENS_CLAUSE.exec(said);
  if (clause === null || clause.index === 0 || /\b(?:is|are|was|were)$/i.test(said.slice(0, clause.index))) return span;
  return trimmed(text, span.start, span.start + clause.index);
}

const LEAD_IN =
  /^(?:(?:so|thus|therefore|hence|then|finally|in conclusion|in summary|overall|as a result|consequently|(?:most |very )?(?:probably|likely)|i (?:think|believe|guess)(?: that)?(?: (?:it is|it's))?)\b|综上所述|综上|所以|因此|由此可知|可知|故|∴)[,，:：]?[ ]*/iu;

/** "So, B" is B. */
export function withoutLeadIn(text: string, span: Span): Span {
  const match = LEAD_IN.exec(text.slice(span.start, Math.min(span.end, span.start + 60)));
  return match === null || match[0].length >= span.end - span.start
    ? span
    : { start: span.start + match[0].length, end: span.end };
}

const NOT_BUT = /^(?:not|不是) .{1,80}?,? ?(?:but(?: rather)?|而是) /iu;

/** "not A but B" is B. */
export function afterNotBut(text: string, span: Span): Span {
  const match = NOT_BUT.exec(text.slice(span.start, Math.min(span.end, span.start + 200)));
  return match === null ? span : trimmed(text, span.start + match[0].length, span.end);
}

const EMPHASIS =
  /\*\*([^*\n]{1,200})\*\*|(?<!\\)"([^"\n]{1,200})"|[“「『]([^”」』\n]{1,200})[”」』]|`([^`\n]{1,200})`/gu;

/** The one stretch of a sentence that is bold or quoted. */
export function soleEmphasis(text: string, span: Span): Span | undefined {
  return soleMatch(text, span, EMPHASIS);
}

const FORMULA = /\$\$([^$]{1,500})\$\$|\$([^$\n]{1,300})\$|\\\((.{1,300}?)\\\)|\\\[([^]{1,500}?)\\\]/gu;

/** The one formula of a sentence, or all where only list words stand between them. */
export function soleFormula(text: string, span: Span): Span | undefined {
  const said = text.slice(span.start, Math.min(span.end, span.start + 2000));
  const found = [...said.matchAll(FORMULA)];
  if (found.length === 0) return undefined;
  for (let i = 1; i < found.length; i++) {
    const before = found[i - 1]!;
    const between = said.slice(before.index + before[0].length, found[i]!.index);
    if (!/^[\s,;]*(?:and|or|和|或|与|、)?[\s,;]*$/.test(between)) return undefined;
  }
  const last = found.at(-1)!;
  return { start: span.start + found[0]!.index, end: span.start + last.index + last[0].length };
}

function soleMatch(text: string, span: Span, pattern: RegExp): Span | undefined {
  const said = text.slice(span.start, Math.min(span.end, span.start + 2000));
  const found = [...said.matchAll(pattern)];
  if (found.length !== 1) return undefined;
  const [match] = found;
  const inside = match!.slice(1).find((group) => group !== undefined)!;
  const start = span.start + match!.index + match![0].indexOf(inside);
  return { start, end: start + inside.length };
}
