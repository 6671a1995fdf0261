/**
 * LaTeX environments in running text: `$$..$$`, `\[..\]`, `$..$`, `\(..\)`, ` [..] `, and a bare `\frac{1}{2}`; up to six of them joined by
 * "and", "or" or commas. What the regular expressions of Math-Verify 0.9 match, found in time linear in the text.
 */
import { Finder, isDigit, isSpace, skipSpace } from "../text";

export interface Environment {
  readonly content: string;
  readonly percent: boolean;
  readonly end: number;
}

const PERCENT = /\\?%|[Pp]ercent|[Pp]ercentage|[Pp]ct/y;
const FRACTION = /-?\\frac\{-?\d+(?:[.,]\d+)?\}\{-?\d+(?:[.,]\d+)?\}/y;
const CONNECTOR = /,?and|,?or|,/y;
/** Where an environment can begin. */
const OPENING = /\$|\\[[(]|-?\\frac\{|\[/g;

/** Which environments count: any, or those that hold a `\boxed{..}`. */
export type EnvironmentKind = "plain" | "boxed";

export interface EnvironmentGroup {
  readonly start: number;
  readonly end: number;
  readonly items: readonly Environment[];
}

export class EnvironmentReader {
  readonly #display: Finder;
  readonly #bracket: Finder;
  readonly #parenthesis: Finder;
  readonly #line: Finder;
  readonly #boxes: Finder;
  readonly #braces: Finder;

  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.#display = new Finder(text, "$$");
    this.#bracket = new Finder(text, "\\]");
    this.#parenthesis = new Finder(text, "\\)");
    this.#line = new Finder(text, "\n");
    this.#boxes = new Finder(text, "\\boxed{");
    this.#braces = new Finder(text, "}");
  }

  /** The environments joined at `start`, or null. */
  groupAt(start: number, kind: EnvironmentKind = "plain"): EnvironmentGroup | null {
    const first = this.#at(start, kind);
    if (first === null) return null;
    const items = [first];
    while (items.length < 6) {
      const next = this.#joined(items[items.length - 1]!.end, kind);
      if (next === null) break;
      items.push(next);
    }
    return { start, items, end: items[items.length - 1]!.end };
  }

  /** Every group of the text from left to right, none overlapping. */
  *groups(kind: EnvironmentKind): Generator<EnvironmentGroup> {
    let from = 0;
    let consumed = 0;
    for (;;) {
      OPENING.lastIndex = from;
      const match = OPENING.exec(this.#text);
      if (match === null) return;
      const start = match[0] === "[" ? match.index - 1 : match.index;
      from = match.index + 1;
      const group = start < consumed ? null : this.groupAt(start, kind);
      if (group === null) continue;
      yield group;
      from = consumed = group.end;
    }
  }

  /** The first place at or after `at` where an environment may begin; -1 when there is none. */
  nextOpening(at: number): number {
    if (at < this.#opening.from || (this.#opening.found >= 0 && this.#opening.found < at)) {
      // A bracket counts from the blank before it, which may be the very place asked about.
      OPENING.lastIndex = at;
      let match = OPENING.exec(this.#text);
      if (match !== null && match[0] === "[" && match.index === at) match = OPENING.exec(this.#text);
      this.#opening = { from: at, found: match === null ? -1 : match[0] === "[" ? match.index - 1 : match.index };
    }
    return this.#opening.found;
  }
  #opening = { from: Infinity, found: -1 };

  #joined(end: number, kind: EnvironmentKind): Environment | null {
    const text = this.#text;
    CONNECTOR.lastIndex = skipSpace(text, end);
    const connector = CONNECTOR.exec(text);
    if (connector === null) return null;
    const after = CONNECTOR.lastIndex;
    const start = skipSpace(text, after);
    return this.#at(start, kind) ?? (start > after ? this.#at(start - 1, kind) : null);
  }

  /** The one environment that begins at `start`. */
  #at(start: number, kind: EnvironmentKind): Environment | null {
    const text = this.#text;
    const code = text.charCodeAt(start);
    const escaped = text[start - 1] === "\\";
    if (code === 36) {
      if (escaped) return null;
      if (text[start + 1] === "$") return this.#displayDollar(start, kind);
      return isDigit(text.charCodeAt(start - 1)) ? null : this.#inlineDollar(start, kind);
    }
    if (code === 92) {
      const next = text[start + 1];
      if (next === "f") return kind === "plain" ? this.#fraction(start) : null;
      if (escaped) return null;
      if (next === "[") return this.#delimited(start, this.#bracket, false, kind);
      return next === "(" ? this.#delimited(start, this.#parenthesis, true, kind) : null;
    }
    if (code === 45) return kind === "plain" ? this.#fraction(start) : null;
    return isSpace(code) && text[start + 1] === "[" ? this.#spacedBracket(start, kind) : null;
  }

  /** The environment around [start, close), when it is of the kind asked for. */
  #finish(start: number, close: number, end: number, kind: EnvironmentKind): Environment | null {
    const text = this.#text;
    if (kind === "boxed") {
      const box = this.#boxes.next(start);
      const brace = box < 0 ? -1 : this.#braces.next(box + 8);
      if (brace < 0 || brace >= close) return null;
    }
    const after = skipSpace(text, end);
    const code = text.charCodeAt(after);
    let stop = after;
    if (code === 37 || code === 92 || code === 112 || code === 80) {
      PERCENT.lastIndex = after;
      if (PERCENT.test(text)) stop = PERCENT.lastIndex;
    }
    return { content: text.slice(start, close), percent: stop > after, end: stop };
  }

  #displayDollar(start: number, kind: EnvironmentKind): Environment | null {
    const text = this.#text;
    if (text[start + 2] === "$" && text[start + 3] === "$") return null;
    const close = this.#display.next(start + 3);
    return close < 0 || text[close - 1] === "\\" ? null : this.#finish(start + 2, close, close + 2, kind);
  }

  #inlineDollar(start: number, kind: EnvironmentKind): Environment | null {
    const text = this.#text;
    let at = start + 1;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 10) return null;
      if (code === 92 && text[at + 1] === "$") at++;
      else if (code === 36) break;
    }
    return at >= text.length || at === start + 1 ? null : this.#finish(start + 1, at, at + 1, kind);
  }

  #delimited(start: number, closing: Finder, oneLine: boolean, kind: EnvironmentKind): Environment | null {
    const text = this.#text;
    const closer = oneLine ? ")" : "]";
    if (text[start + 2] === "\\" && text[start + 3] === closer) return null;
    const close = closing.next(start + 3);
    if (close < 0 || text[close - 1] === "\\") return null;
    if (oneLine) {
      const line = this.#line.next(start + 2);
      if (line >= 0 && line < close) return null;
    }
    return this.#finish(start + 2, close, close + 2, kind);
  }

  #spacedBracket(start: number, kind: EnvironmentKind): Environment | null {
    const text = this.#text;
    let at = start + 2;
    while (at < text.length && text[at] !== "]" && text[at] !== "[" && text[at] !== "\n") at++;
    if (text[at] !== "]" || at === start + 2 || at + 1 >= text.length || !isSpace(text.charCodeAt(at + 1))) return null;
    return this.#finish(start + 2, at, at + 2, kind);
  }

  #fraction(start: number): Environment | null {
    FRACTION.lastIndex = start;
    return FRACTION.test(this.#text) ? this.#finish(start, FRACTION.lastIndex, FRACTION.lastIndex, "plain") : null;
  }
}
