/**
 * The parsed form of an answer. Trees stay as written (`1 + 1` is a sum, not 2), because Math-Verify's verdict depends on
 * that: a lone symbol is compared by its name, a lone decimal by rounding. Values are worked out when two trees are compared.
 */
import { type Rational, equal as rationalEqual, integer, negate } from "./rational";

/** A number: `float` marks decimals (0.5), which compare after rounding; exact ones compare exactly. */
export interface NumberNode {
  readonly kind: "number";
  readonly value: Rational;
  readonly float: boolean;
}
/** A symbol. `real` is false when the text looked complex (a lone `i`, `\mathbb{C}`): such symbols equal no real ones. */
export interface SymbolNode {
  readonly kind: "symbol";
  readonly name: string;
  readonly real: boolean;
}
export type ConstantName = "pi" | "e" | "I" | "oo" | "zoo" | "nan" | "EulerGamma";
export interface ConstantNode {
  readonly kind: "constant";
  readonly name: ConstantName;
}
export interface AddNode {
  readonly kind: "add";
  readonly args: readonly Expression[];
}
export interface MulNode {
  readonly kind: "mul";
  readonly args: readonly Expression[];
}
export interface PowNode {
  readonly kind: "pow";
  readonly base: Expression;
  readonly exponent: Expression;
}
/** The factor 1/100 that a percent sign leaves: kept apart, as `50%` equals 0.5 and also 50. */
export interface PercentNode {
  readonly kind: "percent";
}
/** A known function (`sin`, `log` with base, `floor`, `factorial`, `binomial`, `max`, ..). */
export interface FunctionNode {
  readonly kind: "function";
  readonly name: string;
  readonly args: readonly Expression[];
}
/** An unknown function applied to arguments, `f(x)`. */
export interface CallNode {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expression[];
}
export interface MatrixNode {
  readonly kind: "matrix";
  readonly rows: readonly (readonly Expression[])[];
}
/** Finite sum or product, integral (bounds may be missing), limit (`direction` +1 from above) or derivative. */
export interface BinderNode {
  readonly kind: "sum" | "product" | "integral" | "limit" | "derivative";
  readonly body: Expression;
  readonly variable: SymbolNode;
  readonly lower: Expression | null;
  readonly upper: Expression | null;
  readonly direction: 1 | -1;
}
/** A finite set: `items` without repeats, `written` as the text had them. */
export interface SetNode {
  readonly kind: "set";
  readonly items: readonly Expression[];
  readonly written: readonly Expression[];
}
export interface TupleNode {
  readonly kind: "tuple";
  readonly items: readonly Expression[];
}
export interface IntervalNode {
  readonly kind: "interval";
  readonly start: Expression;
  readonly end: Expression;
  readonly leftOpen: boolean;
  readonly rightOpen: boolean;
}
export interface SetOperationNode {
  readonly kind: "union" | "intersection" | "complement";
  readonly left: Expression;
  readonly right: Expression;
}
export interface NamedSetNode {
  readonly kind: "namedSet";
  readonly name: "N" | "Z" | "Q" | "R" | "C" | "empty";
}
export type RelationOperator = "=" | "<" | "<=" | ">" | ">=" | "!=";
export interface RelationNode {
  readonly kind: "relation";
  readonly operator: RelationOperator;
  readonly left: Expression;
  readonly right: Expression;
}
/** A chain `a < b < c`: the relations in the order written. */
export interface ChainNode {
  readonly kind: "chain";
  readonly items: readonly RelationNode[];
}
/** Something read but never equal to anything by value (`A \subseteq B`): only its text can match. */
export interface OpaqueNode {
  readonly kind: "opaque";
}

export type Expression =
  | NumberNode
  | SymbolNode
  | ConstantNode
  | AddNode
  | MulNode
  | PowNode
  | PercentNode
  | FunctionNode
  | CallNode
  | MatrixNode
  | BinderNode
  | SetNode
  | TupleNode
  | IntervalNode
  | SetOperationNode
  | NamedSetNode
  | RelationNode
  | ChainNode
  | OpaqueNode;

export const PERCENT: PercentNode = { kind: "percent" };
export const INFINITY: ConstantNode = { kind: "constant", name: "oo" };
export const EULER: ConstantNode = { kind: "constant", name: "e" };
export const PI: ConstantNode = { kind: "constant", name: "pi" };
export const IMAGINARY: ConstantNode = { kind: "constant", name: "I" };
export const COMPLEX_INFINITY: ConstantNode = { kind: "constant", name: "zoo" };
export const EMPTY_SET: NamedSetNode = { kind: "namedSet", name: "empty" };
export const OPAQUE: OpaqueNode = { kind: "opaque" };

export function number(value: Rational, float = false): NumberNode {
  return { kind: "number", value, float };
}
export function integerNode(value: number): NumberNode {
  return { kind: "number", value: integer(value), float: false };
}
export const MINUS_ONE = integerNode(-1);
export const ONE_NODE = integerNode(1);

/** Sum, with sums among the two sides flattened in the order written. */
export function sum(left: Expression, right: Expression): AddNode {
  return { kind: "add", args: flatten("add", left, right) };
}

/** Product, with products among the two sides flattened in the order written. */
export function product(left: Expression, right: Expression): MulNode {
  return { kind: "mul", args: flatten("mul", left, right) };
}

function flatten(kind: "add" | "mul", left: Expression, right: Expression): Expression[] {
  const args: Expression[] = left.kind === kind ? [...left.args] : [left];
  if (right.kind === kind) args.push(...right.args);
  else args.push(right);
  return args;
}

export function pow(base: Expression, exponent: Expression): PowNode {
  return { kind: "pow", base, exponent };
}

/** left / right: a rational when both are integers, else a product with a reciprocal (kept as written). */
export function quotient(left: Expression, right: Expression): Expression {
  if (left.kind === "number" && right.kind === "number" && isIntegerNode(left) && isIntegerNode(right)) {
    if (right.value.n === 0n) return left.value.n === 0n ? { kind: "constant", name: "nan" } : COMPLEX_INFINITY;
    const negative = right.value.n < 0n;
    return number(reduce(negative ? -left.value.n : left.value.n, negative ? -right.value.n : right.value.n));
  }
  return { kind: "mul", args: [left, pow(right, MINUS_ONE)] };
}

function reduce(n: bigint, d: bigint): Rational {
  let a = n < 0n ? -n : n;
  let b = d;
  while (b !== 0n) [a, b] = [b, a % b];
  return a <= 1n ? { n: a === 0n ? 0n : n, d: a === 0n ? 1n : d } : { n: n / a, d: d / a };
}

/** -x: folded for numbers, a product otherwise. */
export function negative(x: Expression): Expression {
  return x.kind === "number" ? number(negate(x.value), x.float) : product(MINUS_ONE, x);
}

export function call(name: string, args: readonly Expression[]): FunctionNode {
  return { kind: "function", name, args };
}

/** Whether a tree is this exact integer. */
export const isNumber = (x: Expression, value: number): boolean => x.kind === "number" && !x.float && x.value.d === 1n && x.value.n === BigInt(value);
export const isIntegerNode = (x: Expression): boolean => x.kind === "number" && !x.float && x.value.d === 1n;
export const isSet = (x: Expression): boolean =>
  x.kind === "set" || x.kind === "interval" || x.kind === "union" || x.kind === "intersection" || x.kind === "complement" || x.kind === "namedSet";

/** Finite set without structural repeats; the empty list is the empty set. */
export function finiteSet(written: readonly Expression[]): SetNode | NamedSetNode {
  if (written.length === 0) return EMPTY_SET;
  const items: Expression[] = [];
  if (written.length <= 12) {
    for (const item of written) if (!items.some((other) => same(other, item))) items.push(item);
  } else {
    const seen = new Set<string>();
    for (const item of written) {
      const key = keyOf(item);
      if (!seen.has(key)) {
        seen.add(key);
        items.push(item);
      }
    }
  }
  return { kind: "set", items, written };
}

function sameList(a: readonly Expression[], b: readonly Expression[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!same(a[i]!, b[i]!)) return false;
  return true;
}

/** Whether two trees are written the same (sums and products in the same order; sets in any). */
export function same(a: Expression, b: Expression): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case "number":
      return b.kind === "number" && a.float === b.float && rationalEqual(a.value, b.value);
    case "symbol":
      return b.kind === "symbol" && a.name === b.name && a.real === b.real;
    case "constant":
      return b.kind === "constant" && a.name === b.name;
    case "percent":
      return b.kind === "percent";
    case "add":
    case "mul":
      return b.kind === a.kind && sameList(a.args, b.args);
    case "function":
    case "call":
      return b.kind === a.kind && a.name === b.name && sameList(a.args, b.args);
    case "pow":
      return b.kind === "pow" && same(a.base, b.base) && same(a.exponent, b.exponent);
    case "matrix":
      return b.kind === "matrix" && a.rows.length === b.rows.length && a.rows.every((row, i) => sameList(row, b.rows[i]!));
    case "sum":
    case "product":
    case "integral":
    case "limit":
    case "derivative":
      return (
        b.kind === a.kind &&
        same(a.body, b.body) &&
        same(a.variable, b.variable) &&
        sameOptional(a.lower, b.lower) &&
        sameOptional(a.upper, b.upper) &&
        a.direction === b.direction
      );
    case "set":
      return b.kind === "set" && a.items.length === b.items.length && (sameList(a.items, b.items) || sameUnordered(a.items, b.items));
    case "tuple":
      return b.kind === "tuple" && sameList(a.items, b.items);
    case "interval":
      return (
        b.kind === "interval" && a.leftOpen === b.leftOpen && a.rightOpen === b.rightOpen && same(a.start, b.start) && same(a.end, b.end)
      );
    case "union":
    case "intersection":
    case "complement":
      return b.kind === a.kind && same(a.left, b.left) && same(a.right, b.right);
    case "namedSet":
      return b.kind === "namedSet" && a.name === b.name;
    case "relation":
      return b.kind === "relation" && a.operator === b.operator && same(a.left, b.left) && same(a.right, b.right);
    case "chain":
      return b.kind === "chain" && sameList(a.items, b.items);
    case "opaque":
      return false;
  }
}

function sameOptional(a: Expression | null, b: Expression | null): boolean {
  return a === null || b === null ? a === b : same(a, b);
}

function sameUnordered(a: readonly Expression[], b: readonly Expression[]): boolean {
  const keys = new Set(a.map(keyOf));
  return b.every((item) => keys.has(keyOf(item)));
}

/** A string that two trees share exactly when `same` holds of them. */
export function keyOf(x: Expression): string {
  switch (x.kind) {
    case "number":
      return `${x.float ? "f" : "n"}${x.value.n}/${x.value.d}`;
    case "symbol":
      return `${x.real ? "s" : "z"}<${x.name}>`;
    case "constant":
    case "namedSet":
      return `${x.kind}:${x.name}`;
    case "percent":
    case "opaque":
      return x.kind;
    case "add":
    case "mul":
      return `${x.kind}(${x.args.map(keyOf).join(",")})`;
    case "function":
    case "call":
      return `${x.kind}:${x.name}(${x.args.map(keyOf).join(",")})`;
    case "pow":
      return `pow(${keyOf(x.base)},${keyOf(x.exponent)})`;
    case "matrix":
      return `matrix(${x.rows.map((row) => row.map(keyOf).join(",")).join(";")})`;
    case "sum":
    case "product":
    case "integral":
    case "limit":
    case "derivative":
      return `${x.kind}(${keyOf(x.body)},${keyOf(x.variable)},${x.lower ? keyOf(x.lower) : ""},${x.upper ? keyOf(x.upper) : ""},${x.direction})`;
    case "set":
      return `set(${x.items.map(keyOf).sort().join(",")})`;
    case "tuple":
      return `tuple(${x.items.map(keyOf).join(",")})`;
    case "interval":
      return `interval(${x.leftOpen},${x.rightOpen},${keyOf(x.start)},${keyOf(x.end)})`;
    case "union":
    case "intersection":
    case "complement":
      return `${x.kind}(${keyOf(x.left)},${keyOf(x.right)})`;
    case "relation":
      return `relation${x.operator}(${keyOf(x.left)},${keyOf(x.right)})`;
    case "chain":
      return `chain(${x.items.map(keyOf).join(",")})`;
  }
}

/** The direct parts of a tree, in reading order. */
export function childrenOf(x: Expression): readonly Expression[] {
  switch (x.kind) {
    case "add":
    case "mul":
    case "function":
    case "call":
      return x.args;
    case "pow":
      return [x.base, x.exponent];
    case "matrix":
      return x.rows.flat();
    case "sum":
    case "product":
    case "integral":
    case "limit":
    case "derivative":
      return [x.body, x.variable, ...(x.lower ? [x.lower] : []), ...(x.upper ? [x.upper] : [])];
    case "set":
    case "tuple":
    case "chain":
      return x.items;
    case "interval":
      return [x.start, x.end];
    case "union":
    case "intersection":
    case "complement":
    case "relation":
      return [x.left, x.right];
    default:
      return [];
  }
}
