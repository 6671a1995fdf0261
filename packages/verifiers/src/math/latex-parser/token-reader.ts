/**
 * The state of a parse and the few steps that every rule is made of: look at a token, read it, try an alternative and go back.
 */
import { spend } from "../budget";
import { type Expression, OPAQUE, type SymbolNode } from "../expression";
import type { Tokens } from "./lexer";

/** The deepest nesting read; the reference stops near there, at Python's own limit. */
const MAX_DEPTH = 80;
/** Quotients, powers, factorials and unions that may wrap one another over a whole answer: they make a tree deep without brackets. */
const MAX_WRAPS = 600;
/** Thrown (as this one value) when an alternative does not fit; `attempt` catches it. */
const MISMATCH = Symbol("mismatch");

/** Tokens that are an atom by themselves, and those among them that are names. */
export const ATOMS = new Set(["letter", "greek", "other", "accent", "infinity", "partial", "number", "percent", "scientific", "E", "differential", "variable", "gammafn"]);
export const NAMES = new Set(["letter", "greek", "other", "accent"]);

/** Rules that call each other in a circle reach one another through the reader, so that the files need not. */
export interface Rules {
  expression(r: TokenReader): Expression;
  /** @param argument whether this is the argument of a function without parentheses, which a further function ends */
  term(r: TokenReader, argument: boolean): Expression;
  sumOfTerms(r: TokenReader): Expression;
  answer(source: string, real: boolean): Expression | null;
}

/** Where the parse stands. The rules are functions of it. */
export class TokenReader {
  at = 0;
  depth = 0;
  wraps = 0;
  readonly failed = new Set<number>();
  /** Set when the text parses but what it says cannot be built (a set in a sum): the whole answer then has no value. */
  broken = false;
  /** How many `|`, `\vert` and `\|` are open: the next one then closes. */
  readonly open: Record<string, number> = { "|": 0, vert: 0, norm: 0 };
  /** Inside an integral `dx` ends the integrand instead of being a factor. */
  differentialEnds = false;
  /** The variable of a bare `\frac{d}{dx}`, which then acts on what follows it. */
  derivativeOf: { readonly marker: Expression; readonly variable: SymbolNode } | null = null;
  readonly types: readonly string[];
  readonly chooses: boolean;

  constructor(
    readonly tokens: Tokens,
    readonly real: boolean,
    readonly rules: Rules,
  ) {
    this.types = tokens.types;
    this.chooses = tokens.types.includes("choose");
  }
}

/**
 * Tries an alternative and goes back when it does not fit. A failure is remembered by place, so that nested alternatives are not
 * tried again and again: without that, `f(f(f(..` costs 2^depth.
 *
 * @param name a number that no other call of `attempt` has, below 16
 * @returns undefined when the alternative does not fit
 */
export const attempt = <T>(r: TokenReader, name: number, rule: () => T): T | undefined => {
  const { at, depth, broken, differentialEnds } = r;
  const { "|": bar, vert, norm } = r.open;
  const flags = (differentialEnds ? 1 : 0) + (bar! > 0 ? 2 : 0) + (vert! > 0 ? 4 : 0) + (norm! > 0 ? 8 : 0);
  const key = (at * 16 + flags) * 16 + name;
  if (r.failed.has(key)) return undefined;
  spend(4);
  try {
    return rule();
  } catch (error) {
    if (error !== MISMATCH) throw error;
    r.failed.add(key);
    r.at = at;
    r.depth = depth;
    r.broken = broken;
    r.differentialEnds = differentialEnds;
    r.open["|"] = bar!;
    r.open["vert"] = vert!;
    r.open["norm"] = norm!;
    return undefined;
  }
};

/** Gives the current alternative up. */
export function fail(): never {
  throw MISMATCH;
}

/** Reads one token if it is of this type. */
export const accept = (r: TokenReader, type: string): boolean => {
  if (r.types[r.at] !== type) return false;
  r.at++;
  return true;
};

/** Reads one token of this type, and gives its text. */
export const expect = (r: TokenReader, type: string): string => {
  if (r.types[r.at] !== type) fail();
  return r.tokens.texts[r.at++]!;
};

/** For what parses but has no value. */
export const unbuildable = (r: TokenReader): Expression => {
  r.broken = true;
  return OPAQUE;
};

/** Runs a rule one bracket down. */
export const deeper = <T>(r: TokenReader, rule: () => T): T => {
  if (++r.depth > MAX_DEPTH) fail();
  const result = rule();
  r.depth--;
  return result;
};

/** Runs a rule inside brackets: what the outer bars and differentials close does not reach in. */
export const isolated = <T>(r: TokenReader, rule: () => T): T => {
  const { "|": bar, vert, norm } = r.open;
  const differentialEnds = r.differentialEnds;
  r.open["|"] = r.open["vert"] = r.open["norm"] = 0;
  r.differentialEnds = false;
  const value = rule();
  r.open["|"] = bar!;
  r.open["vert"] = vert!;
  r.open["norm"] = norm!;
  r.differentialEnds = differentialEnds;
  return value;
};

/** Counts a node that wraps the tree read so far. */
export const countWrap = (r: TokenReader): void => {
  if (++r.wraps > MAX_WRAPS) fail();
};

/** The variable of `dx` or `d\theta`. */
export const differentialName = (text: string): string => {
  const name = text.slice(1).trimStart();
  return name.startsWith("\\") ? name.slice(1) : name;
};
