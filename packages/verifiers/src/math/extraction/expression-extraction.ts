/**
 * Numbers (`1,234.5`, `$0.5`, `12 percent`) and plain arithmetic (`1/2 + (3*4)`) in running text, by anchor, as Math-Verify 0.9's regular
 * expressions find them, in linear time: the long repetitions are replaced by what is known about the run of arithmetic
 * characters around a place.
 */
import { max } from "../floats";
import { spend } from "../budget";
import type { ExpressionTarget } from "../options";
import { isDigit, isSpace, skipSpace } from "../text";
import { type Anchors, ANSWER_LENGTH, FINAL_ANSWER_LENGTH, afterIs, continuesWith, gapEnd, hopeFollows } from "./anchors";

export interface ExpressionMatch {
  readonly start: number;
  readonly end: number;
  /** Arithmetic as written; null for a number. */
  readonly arithmetic: string | null;
  readonly whole: string;
  readonly decimal: string;
  readonly percent: boolean;
}

type Accept = (end: number) => number;

const OPERATORS = new Set("+-*×/^()÷");
const CURRENCY = new Set("$€£¥₹₽₪₩₫฿₡₢₣₤₥₦₧₨₭₮₯₰₱₲₳₴₵₶₷₸₺₻₼₾₿");
const PERCENT = /%|[Pp]ercent|[Pp]ercentage|[Pp]ct/y;
/** Shorter readings of a number tried when what follows does not fit. */
const MAX_RETRIES = 24;
const NONE: readonly number[] = [];
const DIGIT = /[0-9]/g;
const anything: Accept = (end) => end;

export class ExpressionExtraction {
  /** The run of arithmetic characters last looked at, and what is known of it. */
  #run = { start: -1, end: -1, lastEnd: -1 };
  #operator = { from: -1, at: -1 };

  readonly #text: string;
  readonly #anchors: Anchors;
  readonly #target: ExpressionTarget;

  constructor(text: string, anchors: Anchors, target: ExpressionTarget) {
    this.#text = text;
    this.#anchors = anchors;
    this.#target = target;
  }

  priorities(): readonly number[] {
    return this.#target.tryExtractWithoutAnchor ? [0, 50, 100, 200, 300] : [0, 50, 100, 200];
  }

  matches(priority: number): ExpressionMatch[] {
    const found: ExpressionMatch[] = [];
    if (priority === 0) this.#finals(found, true);
    else if (priority === 50) this.#finals(found, false);
    else if (priority === 100 || priority === 200) this.#answers(found, priority === 100);
    else if (priority === 300) this.#anywhere(found);
    return found;
  }

  #finals(found: ExpressionMatch[], hope: boolean): void {
    let from = 0;
    for (const end of this.#anchors.finals) {
      const start = end - FINAL_ANSWER_LENGTH;
      if (start < from) continue;
      spend(20);
      if (!this.#digitWithin(end, 220)) continue;
      const match = hope ? this.#finalHope(start, end) : this.#finalIs(start, end);
      if (match === null) continue;
      found.push(match);
      from = match.end;
    }
  }

  #finalHope(start: number, end: number): ExpressionMatch | null {
    const text = this.#text;
    if (!continuesWith(text, end, " is")) return null;
    const after = text[end + 3] === ":" ? end + 4 : end + 3;
    const last = skipSpace(text, after);
    const accept: Accept = (at) => hopeFollows(text, at);
    for (let at = last; at >= max(after, last - 1); at--) {
      const match = this.#prefixed(at, accept);
      if (match !== null) return { ...match, start };
    }
    return null;
  }

  #finalIs(start: number, end: number): ExpressionMatch | null {
    const last = gapEnd(this.#text, end, 100, false);
    for (let at = end; at <= last; at++) {
      const after = afterIs(this.#text, at);
      if (after < 0) continue;
      const match = this.#prefixed(after, anything) ?? (this.#text[after - 1] === ":" ? this.#prefixed(after - 1, anything) : null);
      if (match !== null) return { ...match, start };
    }
    return null;
  }

  /** "answer", then the number after the last `=` within 100 characters, else the first number within 50. */
  #answers(found: ExpressionMatch[], colon: boolean): void {
    const text = this.#text;
    let from = 0;
    const accept: Accept = (end) => (text[skipSpace(text, end)] === "=" ? -1 : end);
    for (const end of this.#anchors.answers) {
      const start = end - ANSWER_LENGTH;
      if (start < from || (colon && text[end] !== ":")) continue;
      spend(20);
      if (!this.#digitWithin(end, 220)) continue;
      const match = this.#afterEquals(colon ? end + 1 : end, accept) ?? this.#afterGap(colon ? end + 1 : end, accept);
      if (match === null) continue;
      found.push({ ...match, start });
      from = match.end;
    }
  }

  #afterEquals(start: number, accept: Accept): ExpressionMatch | null {
    const text = this.#text;
    for (let equals = text.lastIndexOf("=", gapEnd(text, start, 100, false)); equals >= start; equals = equals === 0 ? -1 : text.lastIndexOf("=", equals - 1)) {
      const after = equals + 1;
      const last = skipSpace(text, after);
      for (let at = last; at >= max(after, last - 1); at--) {
        const match = this.#prefixed(at, accept);
        if (match !== null) return match;
      }
    }
    return null;
  }

  #afterGap(start: number, accept: Accept): ExpressionMatch | null {
    const last = gapEnd(this.#text, start, 50, false);
    for (let at = start; at <= last; at++) {
      const match = this.#prefixed(at, accept);
      if (match !== null) return match;
    }
    return null;
  }

  /** Whether a digit stands at or after `at`, at most `distance` on: without one nothing can match there. */
  #digitWithin(at: number, distance: number): boolean {
    if (at < this.#digit.from || (this.#digit.found >= 0 && this.#digit.found < at)) {
      DIGIT.lastIndex = at;
      this.#digit = { from: at, found: DIGIT.test(this.#text) ? DIGIT.lastIndex - 1 : -1 };
    }
    return this.#digit.found >= 0 && this.#digit.found <= at + distance;
  }
  #digit = { from: Infinity, found: -1 };

  /** All arithmetic, then all numbers: two patterns, each left to right without overlap. */
  #anywhere(found: ExpressionMatch[]): void {
    const text = this.#text;
    spend(2 * text.length);
    for (const pattern of ["arithmetic", "number"] as const) {
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at);
        if (at > 0 && ((code !== 61 && !isSpace(code)) || !this.#mayBegin(at + 1))) continue;
        const match = pattern === "arithmetic" ? this.#prefixedArithmetic(at, anything) : this.#prefixedNumber(at, anything);
        if (match === null) continue;
        found.push(match);
        at = max(at, match.end - 1);
      }
    }
  }

  /** Whether a number, sign, bracket, dot, star or currency stands here: nothing else begins a match. */
  #mayBegin(at: number): boolean {
    const code = this.#text.charCodeAt(at);
    return isDigit(code) || code === 45 || code === 40 || code === 46 || code === 42 || code === 36 || code > 127;
  }

  #prefixed(at: number, accept: Accept): ExpressionMatch | null {
    if (at > 0 && !this.#mayBegin(at + 1)) return null;
    return this.#prefixedArithmetic(at, accept) ?? this.#prefixedNumber(at, accept);
  }

  /** Starts inside the pattern's `(?:^|\s|=)(?:\*\*)?`, most preferred first. */
  #bodies(at: number): readonly number[] {
    const text = this.#text;
    const code = text.charCodeAt(at);
    const prefix = code === 61 || isSpace(code);
    if (at > 0) {
      if (!prefix) return NONE;
      return text.startsWith("**", at + 1) ? [at + 3, at + 1] : [at + 1];
    }
    const starts = text.startsWith("**") ? [2, 0] : [0];
    if (prefix) starts.push(...(text.startsWith("**", 1) ? [3, 1] : [1]));
    return starts;
  }

  // Arithmetic: -?(?-?digit, then arithmetic characters with an operator among them, then the end of a word

  #prefixedArithmetic(at: number, accept: Accept): ExpressionMatch | null {
    for (const body of this.#bodies(at)) {
      const match = this.#arithmetic(at, body, accept);
      if (match !== null) return match;
    }
    return null;
  }

  #arithmetic(start: number, body: number, accept: Accept): ExpressionMatch | null {
    const text = this.#text;
    let digit = body;
    if (text[digit] === "-") digit++;
    if (text[digit] === "(") digit++;
    if (text[digit] === "-") digit++;
    if (!isDigit(text.charCodeAt(digit))) return null;
    this.#enterRun(digit);
    const first = this.#operatorFrom(digit + 1);
    if (first < 0) return null;
    for (let end = this.#run.lastEnd, tries = 0; end >= first + 2 && tries < MAX_RETRIES; end = this.#endBefore(end - 1, first + 2), tries++) {
      for (const stop of this.#stops(end)) {
        const accepted = accept(stop);
        if (accepted >= 0) return { start, end: accepted, arithmetic: text.slice(body, end), whole: "", decimal: "", percent: false };
      }
    }
    return null;
  }

  #enterRun(at: number): void {
    if (at >= this.#run.start && at < this.#run.end) return;
    let end = at;
    while (end < this.#text.length && isArithmetic(this.#text.charCodeAt(end))) end++;
    this.#run = { start: at, end, lastEnd: -1 };
    this.#run.lastEnd = this.#endBefore(end, at);
    spend(end - at);
  }

  /** The first operator of the run at or after `at`; -1 without one. */
  #operatorFrom(at: number): number {
    if (this.#operator.from <= at && this.#operator.at >= at && this.#operator.from >= this.#run.start) return this.#operator.at < this.#run.end ? this.#operator.at : -1;
    let index = at;
    while (index < this.#run.end && !OPERATORS.has(this.#text[index]!)) index++;
    this.#operator = { from: at, at: index };
    return index < this.#run.end ? index : -1;
  }

  /** The last place from `at` down to `least` where arithmetic may end. */
  #endBefore(at: number, least: number): number {
    for (let end = at; end >= least; end--) if (this.#stops(end).length > 0) return end;
    return -1;
  }

  /** Ends of `(?:\*\*)?(?:[.,:)$\s]|end)` at a place, most preferred first. */
  #stops(at: number): number[] {
    const stops: number[] = [];
    if (this.#text[at] === "*" && this.#text[at + 1] === "*") {
      const stop = this.#stop(at + 2);
      if (stop >= 0) stops.push(stop);
    }
    const stop = this.#stop(at);
    if (stop >= 0) stops.push(stop);
    return stops;
  }

  #stop(at: number): number {
    if (at >= this.#text.length) return at;
    const code = this.#text.charCodeAt(at);
    return code === 46 || code === 44 || code === 58 || code === 41 || code === 36 || isSpace(code) ? at + 1 : -1;
  }

  // Numbers

  #prefixedNumber(at: number, accept: Accept): ExpressionMatch | null {
    for (const body of this.#bodies(at)) {
      if (CURRENCY.has(this.#text[body] ?? "")) {
        const match = this.#number(at, body + 1, accept);
        if (match !== null) return match;
      }
      const match = this.#number(at, body, accept);
      if (match !== null) return match;
    }
    return null;
  }

  #number(start: number, body: number, accept: Accept): ExpressionMatch | null {
    const text = this.#text;
    if (isDigit(text.charCodeAt(body - 1))) return null;
    const minus = text[body] === "-" ? 1 : 0;
    const digits = body + minus;
    let end = digits;
    while (isDigit(text.charCodeAt(end))) end++;
    spend(1);
    let tries = 0;
    const reading = (whole: string, decimal: string, at: number): ExpressionMatch | null => {
      if (++tries > MAX_RETRIES) return null;
      const after = skipSpace(text, at);
      PERCENT.lastIndex = after;
      if (PERCENT.test(text)) {
        const accepted = accept(PERCENT.lastIndex);
        if (accepted >= 0) return { start, end: accepted, arithmetic: null, whole, decimal, percent: true };
      }
      const accepted = accept(at);
      return accepted < 0 ? null : { start, end: accepted, arithmetic: null, whole, decimal, percent: false };
    };
    return this.#grouped(body, digits, end, reading) ?? this.#fractional(body, digits, end, reading) ?? this.#integer(body, digits, end, reading);
  }

  /** 1,234,567.8 and 1 234. */
  #grouped(body: number, digits: number, end: number, reading: Reading): ExpressionMatch | null {
    const text = this.#text;
    const first = text.charCodeAt(digits);
    if (end === digits || first === 48 || end - digits > 3) return null;
    const groups: number[] = [];
    for (let at = end; (text[at] === "," || text[at] === " ") && [1, 2, 3].every((i) => isDigit(text.charCodeAt(at + i))); at += 4) groups.push(at + 4);
    for (let i = groups.length - 1; i >= 0 && i >= groups.length - MAX_RETRIES; i--) {
      const stop = groups[i]!;
      const whole = text.slice(body, stop);
      const match = this.#decimals(stop, ".", (decimal, at) => reading(whole, decimal, at)) ?? reading(whole, "", stop);
      if (match !== null) return match;
    }
    return null;
  }

  /** 12.5, 12,5 and .5. */
  #fractional(body: number, digits: number, end: number, reading: Reading): ExpressionMatch | null {
    const text = this.#text;
    if (end > digits) return this.#decimals(end, ".,", (decimal, at) => reading(text.slice(body, end), decimal, at));
    return digits > body ? null : this.#decimals(end, ".", (decimal, at) => reading("", decimal, at));
  }

  #integer(body: number, digits: number, end: number, reading: Reading): ExpressionMatch | null {
    for (let stop = end; stop > digits && stop > end - MAX_RETRIES; stop--) {
      const match = reading(this.#text.slice(body, stop), "", stop);
      if (match !== null) return match;
    }
    return null;
  }

  #decimals(at: number, separators: string, accept: (decimal: string, end: number) => ExpressionMatch | null): ExpressionMatch | null {
    const text = this.#text;
    if (at >= text.length || !separators.includes(text[at]!)) return null;
    let end = at + 1;
    while (isDigit(text.charCodeAt(end))) end++;
    for (let stop = end; stop > at + 1 && stop > end - MAX_RETRIES; stop--) {
      const match = accept(text.slice(at, stop), stop);
      if (match !== null) return match;
    }
    return null;
  }
}

type Reading = (whole: string, decimal: string, end: number) => ExpressionMatch | null;

const isArithmetic = (code: number): boolean => {
  if (isDigit(code) || code === 46 || isSpace(code)) return true;
  return (code >= 40 && code <= 43) || code === 45 || code === 47 || code === 94 || code === 0xd7 || code === 0xf7;
};
