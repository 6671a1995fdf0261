/**
 * The state of a parse and the few steps that every rule is made of: look at a token, read it, try an alternative and go back.
 *
 * Parses are synchronous and only nest where `readTokens` says so, so the state is kept here, set anew by `readTokens`, and need not
 * be handed from rule to rule.
 */
import { spend } from "../budget";
import { type Expression, OPAQUE, type SymbolNode, symbol } from "../expression";
import type { Tokens } from "./lexer";

/** The deepest nesting read; the reference stops near there, at Python's own limit. */
const MAX_DEPTH = 80;
/** Quotients, powers, factorials and unions that may wrap one another over a whole answer: they make a tree deep without brackets. */
const MAX_WRAPS = 600;
/** Thrown (as this one value) when an alternative does not fit; `attempt` catches it. */
const MISMATCH = Symbol("mismatch");

type Rule = () => Expression;

let tokens: Tokens;
let at = 0;
export let depth = 0;
export let wraps = 0;
/** Alternatives that did not fit, and where. */
let failed = new Set<string>();
/** Set when the text parses but what it says cannot be built (a set in a sum): the whole answer then has no value. */
let broken = false;
/** The `|`, `\vert` or `\|` that is open: the next one then closes. */
let openBar = "";
/** Inside an integral `dx` ends the integrand instead of being a factor. */
let differentialEnds = false;
/** Whether symbols stand for real numbers. */
export let real = true;

/** Rules that call each other in a circle reach one another here, so that the files need not. */
let sumRule: Rule;
let productRule: (argument: boolean) => Expression;
/** Reads an answer inside an answer. */
export let parseNested: (source: string) => Expression | null;

/** Names the rules of the grammar that files below them need. */
export const bindRules = (sum: typeof sumRule, product: typeof productRule, answer: typeof parseNested): void => {
  sumRule = sum;
  productRule = product;
  parseNested = answer;
};

/** Says whether symbols stand for real numbers in what is read next. */
export const assumeReal = (isReal: boolean): void => {
  real = isReal;
};

/**
 * Reads tokens from their start, maybe in the middle of another parse.
 *
 * @param fromDepth the depth to begin with
 * @param fromWraps the number of wraps to begin with
 * @returns null when the rule does not fit, or what it read cannot be built
 */
export const readTokens = (
  next: Tokens,
  rule: () => Expression | undefined,
  fromDepth = 0,
  fromWraps = 0,
): Expression | null => {
  const outer = [tokens, at, depth, wraps, failed, broken, openBar, differentialEnds] as const;
  [tokens, at, depth, wraps, failed, broken, openBar, differentialEnds] = [
    next,
    0,
    fromDepth,
    fromWraps,
    new Set(),
    false,
    "",
    false,
  ];
  const value = rule();
  const read = (!broken && value) || null;
  [tokens, at, depth, wraps, failed, broken, openBar, differentialEnds] = outer;
  return read;
};

/** The type of the next token, or of one behind it. */
export const peek = (offset = 0): string => tokens.types[at + offset]!;
/** Whether the next token is of this type. */
export const is = (type: string): boolean => peek() === type;
/** Whether the types of the next three tokens, put side by side, match. */
export const ahead = (pattern: RegExp, offset = 0): boolean =>
  pattern.test(peek(offset) + peek(offset + 1) + peek(offset + 2));

/** Reads tokens, and gives the text of the last. */
export const take = (count = 1): string => {
  at += count;
  return tokens.texts[at - 1]!;
};

/** Gives the current alternative up. */
export const fail = (): never => {
  throw MISMATCH;
};

/** Reads one token if it is of this type. */
export const accept = (type: string): boolean => is(type) && ++at > 0;
/** Reads one token of this type, and gives its text. */
export const expect = (type: string): string => (is(type) ? take() : fail());
/** The text between two tokens, counted from the next one. */
export const sourceBetween = (from: number, to: number): string =>
  tokens.source.slice(tokens.starts[at + from], tokens.starts[at + to]);

/**
 * Tries an alternative and goes back when it does not fit. A failure is remembered by place, so that nested alternatives are not
 * tried again and again: without that, `f(f(f(..` costs 2^depth.
 *
 * @param name a number that no other call of `attempt` has
 * @returns undefined when the alternative does not fit
 */
export const attempt = <T>(name: number, rule: () => T): T | undefined => {
  const before = [at, depth, broken, openBar, differentialEnds] as const;
  const key = `${name} ${at} ${openBar}${differentialEnds}`;
  if (failed.has(key)) return undefined;
  spend(4);
  try {
    return rule();
  } catch (error) {
    if (error !== MISMATCH) throw error;
    failed.add(key);
    [at, depth, broken, openBar, differentialEnds] = before;
    return undefined;
  }
};

/** For what parses but has no value. */
export const unbuildable = (): Expression => {
  broken = true;
  return OPAQUE;
};

/** Reads over what counts by its text, not by its value, and gives that text. */
export const textOf = (rule: () => unknown): string => {
  const start = at;
  const before = broken;
  rule();
  broken = before;
  const text = tokens.texts.slice(start, at).join("");
  spend(text.length);
  return text;
};

/** Runs a rule one level down. */
export const deeper = <T>(rule: () => T): T => {
  if (++depth > MAX_DEPTH) fail();
  const value = rule();
  depth--;
  return value;
};

/** Counts a node that wraps the tree read so far. */
export const countWrap = (): void => {
  if (++wraps > MAX_WRAPS) fail();
};

export const parseExpression: Rule = () => {
  spend(2);
  return deeper(sumRule);
};

/** @param argument whether this is the argument of a function without parentheses, which a further function ends */
export const parseFactors = (argument: boolean): Expression => deeper(() => productRule(argument));

/**
 * Runs a rule between brackets: what the bars and differentials around them close does not reach in. The closing bracket mirrors
 * the opening one: `)`, `rfloor`, `urcorner`, `endMatrix`; a bar closes itself.
 *
 * @param rule is told the closing bracket
 */
export const enclosed = <T>(opener: string, rule: (closer: string) => T): T => {
  const closer = MIRRORED[opener] ?? opener.replace(/^l(?!l)|l(?=c)|begin|[({]/, (part) => MIRRORED[part]!);
  const outerBar = openBar;
  const outerEnds = differentialEnds;
  expect(opener);
  openBar = opener === closer ? opener : "";
  differentialEnds = false;
  const value = rule(closer);
  openBar = outerBar;
  differentialEnds = outerEnds;
  expect(closer);
  return value;
};
const MIRRORED: Readonly<Record<string, string>> = { l: "r", begin: "end", "(": ")", "[": "]", "{": "}" };

/** An expression in braces. */
export const parseBraced = (): Expression => enclosed("{", parseExpression);

/** Runs a rule that a differential ends. */
export const untilDifferential = (rule: Rule): Expression => {
  differentialEnds = true;
  const value = rule();
  differentialEnds = false;
  return value;
};

/** Whether the next token closes a bar or an integrand. */
export const closes = (): boolean => is(openBar) || (differentialEnds && is("differential"));

/**
 * What a rule reads, as often as the separator follows.
 *
 * @param closer may stand behind a last separator
 */
export const separated = <T>(separator: string, rule: () => T, closer?: string): T[] => {
  const items = [rule()];
  while (accept(separator) && peek() !== closer) items.push(rule());
  return items;
};

/** Tokens that are names: letters, Greek letters, symbols, accented words. */
export const isName = (offset = 0): boolean => /^(letter|greek|other|accent)$/.test(peek(offset));

/** A symbol of just this name. */
export const named = (name: string): SymbolNode => symbol(name, real);

/** The variable of `dx` or `d\theta`. */
export const differentialName = (text: string): string => text.replace(/^d\s*\\?(?=.)/, "");
