/**
 * A parse in progress, and the few steps that every rule is made of: look at a token, read it, try an alternative and
 * go back.
 */
import type { Budget } from "./budget";

/** What a text was cut into. */
export interface Tokens {
  readonly types: readonly string[];
  readonly texts: readonly string[];
  /** Offsets into the source, for the few rules that look at the text again. */
  readonly starts: readonly number[];
  readonly source: string;
}

/** How deep a text stands in another: nesting, and nodes that wrap one another. */
export interface Depth {
  readonly levels: number;
  readonly wraps: number;
}

/** All that reading changes. An alternative that does not fit puts back all of it. */
interface ReadingState {
  /** The next token. */
  at: number;
  /** Levels of nesting around it. */
  levels: number;
  /** Quotients, powers, factorials and unions that wrap what is read: they make a tree deep without brackets. */
  wraps: number;
  /** Set when the text parses but what it says cannot be built (a set in a sum): the whole answer then has no value. */
  isBroken: boolean;
  /** The `|`, `\vert` or `\|` that is open: the next one then closes. */
  openBar: string;
  /** Inside an integral `dx` ends the integrand instead of being a factor. */
  differentialEnds: boolean;
}

/** The deepest nesting read; the reference stops near there, at Python's own limit. */
const MAX_LEVELS = 80;
const MAX_WRAPS = 600;
/** Thrown (as this one value) when an alternative does not fit; `attempt` catches it. */
const MISMATCH = Symbol("mismatch");

const TOP: Depth = { levels: 0, wraps: 0 };

export class TokenReader {
  readonly budget: Budget;
  readonly #tokens: Tokens;
  #state: ReadingState;
  /** Where each rule did not fit, and between which bars and differentials. */
  readonly #misfits = new Map<unknown, Set<string>>();

  constructor(budget: Budget, tokens: Tokens, depth: Depth = TOP) {
    this.budget = budget;
    this.#tokens = tokens;
    this.#state = { at: 0, ...depth, isBroken: false, openBar: "", differentialEnds: false };
  }

  /** How deep the next token stands. */
  get depth(): Depth {
    const { levels, wraps } = this.#state;
    return { levels, wraps };
  }

  /** Whether what was read cannot be built. */
  get isBroken(): boolean {
    return this.#state.isBroken;
  }

  /** The type of the next token, or of one behind it; undefined behind the last one. */
  peek(offset = 0): string {
    return this.#tokens.types[this.#state.at + offset]!;
  }

  /** Whether the next token is of this type. */
  is(type: string): boolean {
    return this.#tokens.types[this.#state.at] === type;
  }

  /** Whether the types of the next three tokens, put side by side, match. */
  ahead(pattern: RegExp, offset = 0): boolean {
    return pattern.test(this.peek(offset) + this.peek(offset + 1) + this.peek(offset + 2));
  }

  /** Reads tokens, and gives the text of the last. */
  take(count = 1): string {
    this.#state.at += count;
    return this.#tokens.texts[this.#state.at - 1]!;
  }

  /** Reads one token if it is of this type. */
  accept(type: string): boolean {
    if (!this.is(type)) return false;
    this.#state.at++;
    return true;
  }

  /** Reads one token of this type, and gives its text. */
  expect(type: string): string {
    return this.is(type) ? this.take() : this.fail();
  }

  /** Gives the current alternative up. */
  fail(): never {
    throw MISMATCH;
  }

  /** The text between two tokens, counted from the next one. */
  sourceBetween(from: number, to: number): string {
    const { at } = this.#state;
    return this.#tokens.source.slice(this.#tokens.starts[at + from], this.#tokens.starts[at + to]);
  }

  /**
   * Tries an alternative and goes back when it does not fit. A misfit is remembered by its place, so that nested
   * alternatives are not tried again and again: without that, `f(f(f(..` costs 2^depth.
   *
   * @param rule a function that is the same at every call: by it misfits are remembered
   * @returns undefined when the alternative does not fit
   */
  attempt<R extends this, T>(this: R, rule: (reader: R) => T): T | undefined {
    const { at, openBar, differentialEnds } = this.#state;
    const place = `${at} ${openBar}${differentialEnds}`;
    const misfits = this.#misfits.get(rule);
    if (misfits?.has(place)) return undefined;
    const before = { ...this.#state };
    this.budget.spend(4);
    try {
      return rule(this);
    } catch (error) {
      if (error !== MISMATCH) throw error;
      this.#state = before;
      if (misfits) misfits.add(place);
      else this.#misfits.set(rule, new Set([place]));
      return undefined;
    }
  }

  /** Runs a rule one level down. */
  deeper<R extends this, T>(this: R, rule: (reader: R) => T): T {
    if (++this.#state.levels > MAX_LEVELS) this.fail();
    const value = rule(this);
    this.#state.levels--;
    return value;
  }

  /** Counts a node that wraps the tree read so far. */
  countWrap(): void {
    if (++this.#state.wraps > MAX_WRAPS) this.fail();
  }

  /** Says that what was read cannot be built. */
  markBroken(): void {
    this.#state.isBroken = true;
  }

  /** Reads over what counts by its text, not by its value, and gives that text. */
  textOf<R extends this>(this: R, rule: (reader: R) => unknown): string {
    const { at, isBroken } = this.#state;
    rule(this);
    this.#state.isBroken = isBroken;
    const text = this.#tokens.texts.slice(at, this.#state.at).join("");
    this.budget.spend(text.length);
    return text;
  }

  /**
   * What a rule reads, as often as the separator follows.
   *
   * @param closer may stand behind a last separator
   */
  separated<R extends this, T>(this: R, separator: string, rule: (reader: R) => T, closer?: string): T[] {
    const items = [rule(this)];
    while (this.accept(separator) && this.peek() !== closer) items.push(rule(this));
    return items;
  }

  /**
   * Runs a rule between brackets: what the bars and differentials around them close does not reach in. The closing
   * bracket mirrors the opening one: `)`, `rfloor`, `urcorner`, `endMatrix`; a bar closes itself.
   *
   * @param rule is told the closing bracket
   */
  enclosed<R extends this, T>(this: R, opener: string, rule: (reader: R, closer: string) => T): T {
    const closer = mirrored(opener);
    const { openBar, differentialEnds } = this.#state;
    this.expect(opener);
    this.#state.openBar = opener === closer ? opener : "";
    this.#state.differentialEnds = false;
    const value = rule(this, closer);
    this.#state.openBar = openBar;
    this.#state.differentialEnds = differentialEnds;
    this.expect(closer);
    return value;
  }

  /** Runs a rule that a differential ends. */
  untilDifferential<R extends this, T>(this: R, rule: (reader: R) => T): T {
    this.#state.differentialEnds = true;
    const value = rule(this);
    this.#state.differentialEnds = false;
    return value;
  }

  /** Whether the next token closes a bar or an integrand. */
  closes(): boolean {
    const { openBar, differentialEnds } = this.#state;
    return this.is(openBar) || (differentialEnds && this.is("differential"));
  }
}

const CLOSERS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", l: "r", begin: "end" };

function mirrored(opener: string): string {
  return CLOSERS[opener] ?? opener.replace(/^l(?!l)|l(?=c)|begin|[({]/, (part) => CLOSERS[part]!);
}
