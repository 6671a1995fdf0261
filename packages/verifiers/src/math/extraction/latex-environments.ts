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

export class EnvironmentReader {
  private readonly display: Finder;
  private readonly bracket: Finder;
  private readonly parenthesis: Finder;
  private readonly line: Finder;

  constructor(private readonly text: string) {
    this.display = new Finder(text, "$$");
    this.bracket = new Finder(text, "\\]");
    this.parenthesis = new Finder(text, "\\)");
    this.line = new Finder(text, "\n");
  }

  /** The environments joined at `start`, or null. */
  groupAt(start: number): { readonly items: readonly Environment[]; readonly end: number } | null {
    const first = this.at(start);
    if (first === null) return null;
    const items = [first];
    while (items.length < 6) {
      const next = this.joined(items[items.length - 1]!.end);
      if (next === null) break;
      items.push(next);
    }
    return { items, end: items[items.length - 1]!.end };
  }

  /** Every group of the text from left to right, none overlapping. */
  *groups(): Generator<{ readonly start: number; readonly end: number; readonly items: readonly Environment[] }> {
    OPENING.lastIndex = 0;
    let from = 0;
    for (;;) {
      OPENING.lastIndex = from;
      const match = OPENING.exec(this.text);
      if (match === null) return;
      const spaced = match[0] === "[";
      const start = spaced ? match.index - 1 : match.index;
      from = match.index + 1;
      if (spaced && start < this.consumed) continue;
      const group = start < 0 ? null : this.groupAt(start);
      if (group === null) continue;
      yield { start, ...group };
      from = this.consumed = group.end;
    }
  }
  private consumed = 0;

  private joined(end: number): Environment | null {
    const { text } = this;
    CONNECTOR.lastIndex = skipSpace(text, end);
    const connector = CONNECTOR.exec(text);
    if (connector === null) return null;
    const after = CONNECTOR.lastIndex;
    const start = skipSpace(text, after);
    return this.at(start) ?? (start > after ? this.at(start - 1) : null);
  }

  /** The one environment that begins at `start`. */
  private at(start: number): Environment | null {
    const { text } = this;
    const code = text.charCodeAt(start);
    const escaped = text[start - 1] === "\\";
    if (code === 36) {
      if (escaped) return null;
      if (text[start + 1] === "$") return this.displayDollar(start);
      return isDigit(text.charCodeAt(start - 1)) ? null : this.inlineDollar(start);
    }
    if (code === 92) {
      const next = text[start + 1];
      if (next === "f") return this.fraction(start);
      if (escaped) return null;
      if (next === "[") return this.delimited(start, this.bracket, false);
      return next === "(" ? this.delimited(start, this.parenthesis, true) : null;
    }
    if (code === 45) return this.fraction(start);
    return isSpace(code) && text[start + 1] === "[" ? this.spacedBracket(start) : null;
  }

  private finish(content: string, end: number): Environment {
    const { text } = this;
    const after = skipSpace(text, end);
    const code = text.charCodeAt(after);
    if (code === 37 || code === 92 || code === 112 || code === 80) {
      PERCENT.lastIndex = after;
      if (PERCENT.test(text)) return { content, percent: true, end: PERCENT.lastIndex };
    }
    return { content, percent: false, end: after };
  }

  private displayDollar(start: number): Environment | null {
    const { text } = this;
    if (text[start + 2] === "$" && text[start + 3] === "$") return null;
    const close = this.display.next(start + 3);
    return close < 0 || text[close - 1] === "\\" ? null : this.finish(text.slice(start + 2, close), close + 2);
  }

  private inlineDollar(start: number): Environment | null {
    const { text } = this;
    let at = start + 1;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 10) return null;
      if (code === 92 && text[at + 1] === "$") at++;
      else if (code === 36) break;
    }
    return at >= text.length || at === start + 1 ? null : this.finish(text.slice(start + 1, at), at + 1);
  }

  private delimited(start: number, closing: Finder, oneLine: boolean): Environment | null {
    const { text } = this;
    const closer = oneLine ? ")" : "]";
    if (text[start + 2] === "\\" && text[start + 3] === closer) return null;
    const close = closing.next(start + 3);
    if (close < 0 || text[close - 1] === "\\") return null;
    if (oneLine) {
      const line = this.line.next(start + 2);
      if (line >= 0 && line < close) return null;
    }
    return this.finish(text.slice(start + 2, close), close + 2);
  }

  private spacedBracket(start: number): Environment | null {
    const { text } = this;
    let at = start + 2;
    while (at < text.length && text[at] !== "]" && text[at] !== "[" && text[at] !== "\n") at++;
    if (text[at] !== "]" || at === start + 2 || at + 1 >= text.length || !isSpace(text.charCodeAt(at + 1))) return null;
    return this.finish(text.slice(start + 2, at), at + 2);
  }

  private fraction(start: number): Environment | null {
    FRACTION.lastIndex = start;
    const match = FRACTION.exec(this.text);
    return match === null ? null : this.finish(match[0], FRACTION.lastIndex);
  }
}
