/**
 * The parsed form of an answer. Trees stay as written (`1 + 1` is a sum, not 2), because Math-Verify's verdict depends on
 * that: a lone symbol is compared by its name, a lone decimal by rounding. Values are worked out when two trees are compared.
 */
import { type Rational, integer, negate } from "./rational";

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

/** The nodes that may be of a kind. */
type Nodes<K, X = Expression> = X extends Expression ? (K extends X["kind"] ? X : never) : never;
const is =
  <K extends Expression["kind"]>(kind: K) =>
  (x: Expression): x is Nodes<K> & { readonly kind: K } =>
    x.kind === kind;
export const isNumber = is("number");
export const isSymbol = is("symbol");
export const isConstant = is("constant");
export const isAdd = is("add");
export const isMul = is("mul");
export const isPow = is("pow");
export const isPercent = is("percent");
export const isFunction = is("function");
export const isMatrix = is("matrix");
export const isFiniteSet = is("set");
export const isTuple = is("tuple");
export const isInterval = is("interval");
export const isSingleRelation = is("relation");
export const isChain = is("chain");
export const isOpaque = is("opaque");
export const isIntegral = is("integral");
export const isDerivative = is("derivative");

export const PERCENT: PercentNode = { kind: "percent" };
export const INFINITY: ConstantNode = { kind: "constant", name: "oo" };
export const EULER: ConstantNode = { kind: "constant", name: "e" };
export const PI: ConstantNode = { kind: "constant", name: "pi" };
export const IMAGINARY: ConstantNode = { kind: "constant", name: "I" };
export const COMPLEX_INFINITY: ConstantNode = { kind: "constant", name: "zoo" };
export const EMPTY_SET: NamedSetNode = { kind: "namedSet", name: "empty" };
export const OPAQUE: OpaqueNode = { kind: "opaque" };

export const number = (value: Rational, float = false): NumberNode => ({ kind: "number", value, float });
export const integerNode = (value: number): NumberNode => ({ kind: "number", value: integer(value), float: false });
export const symbol = (name: string, real: boolean): SymbolNode => ({ kind: "symbol", name, real });
export const sumOf = (args: readonly Expression[]): AddNode => ({ kind: "add", args });
export const productOf = (args: readonly Expression[]): MulNode => ({ kind: "mul", args });
export const matrix = (rows: readonly (readonly Expression[])[]): MatrixNode => ({ kind: "matrix", rows });
export const tuple = (items: readonly Expression[]): TupleNode => ({ kind: "tuple", items });
export const relation = (operator: RelationOperator, left: Expression, right: Expression): RelationNode => ({ kind: "relation", operator, left, right });
export const MINUS_ONE = integerNode(-1);
export const ONE_NODE = integerNode(1);

/** Sum, with sums among the two sides flattened in the order written. */
export const sum = (left: Expression, right: Expression): AddNode => sumOf(flatten("add", left, right));

/** Product, with products among the two sides flattened in the order written. */
export const product = (left: Expression, right: Expression): MulNode => productOf(flatten("mul", left, right));

const flatten = (kind: "add" | "mul", left: Expression, right: Expression): Expression[] => {
  const args: Expression[] = left.kind === kind ? [...left.args] : [left];
  if (right.kind === kind) args.push(...right.args);
  else args.push(right);
  return args;
};

export const pow = (base: Expression, exponent: Expression): PowNode => ({ kind: "pow", base, exponent });

/** left / right: a rational when both are integers, else a product with a reciprocal (kept as written). */
export const quotient = (left: Expression, right: Expression): Expression => {
  if (isNumber(left) && isNumber(right) && isIntegerNode(left) && isIntegerNode(right)) {
    if (right.value.n === 0n) return left.value.n === 0n ? { kind: "constant", name: "nan" } : COMPLEX_INFINITY;
    const negative = right.value.n < 0n;
    return number(reduce(negative ? -left.value.n : left.value.n, negative ? -right.value.n : right.value.n));
  }
  return productOf([left, pow(right, MINUS_ONE)]);
};

const reduce = (n: bigint, d: bigint): Rational => {
  let a = n < 0n ? -n : n;
  let b = d;
  while (b !== 0n) [a, b] = [b, a % b];
  return a <= 1n ? { n: a === 0n ? 0n : n, d: a === 0n ? 1n : d } : { n: n / a, d: d / a };
};

/** -x: folded for numbers, a product otherwise. */
export const negative = (x: Expression): Expression => isNumber(x) ? number(negate(x.value), x.float) : product(MINUS_ONE, x);

export const call = (name: string, args: readonly Expression[]): FunctionNode => ({ kind: "function", name, args });

/** Whether a tree is this exact integer. */
export const isExactly = (x: Expression, value: number): boolean => isNumber(x) && !x.float && x.value.d === 1n && x.value.n === BigInt(value);
export const isIntegerNode = (x: Expression): boolean => isNumber(x) && !x.float && x.value.d === 1n;
export const isSet = (x: Expression): boolean =>
  isFiniteSet(x) || isInterval(x) || x.kind === "union" || x.kind === "intersection" || x.kind === "complement" || x.kind === "namedSet";

/** Finite set without structural repeats; the empty list is the empty set. */
export const finiteSet = (written: readonly Expression[]): SetNode | NamedSetNode => {
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
};

/** Whether two trees are written the same (sums and products in the same order; sets in any). What is opaque equals nothing. */
export const same = (a: Expression, b: Expression): boolean => a === b || (a.kind === b.kind && sameParts(a, b));

/** Part by part, whatever the kind: trees, lists of trees, names, flags and exact numbers. */
const sameParts = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (isOpaque(a as Expression)) return false;
  if (isFiniteSet(a as Expression) && isFiniteSet(b as Expression)) return sameItems((a as SetNode).items, (b as SetNode).items);
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  for (const key in a) if (!sameParts(a[key as keyof typeof a], b[key as keyof typeof b])) return false;
  return true;
};

const sameItems = (a: readonly Expression[], b: readonly Expression[]): boolean => {
  if (a.length !== b.length) return false;
  if (sameParts(a, b)) return true;
  const keys = new Set(a.map(keyOf));
  return b.every((item) => keys.has(keyOf(item)));
};

/** A string that two trees share exactly when `same` holds of them. */
export const keyOf = (x: Expression): string => JSON.stringify(x, (_, part: unknown) => {
  if (typeof part === "bigint") return `${part}`;
  return isSetNode(part) ? { kind: "set", keys: part.items.map(keyOf).sort() } : part;
});

const isSetNode = (part: unknown): part is SetNode => typeof part === "object" && part !== null && isFiniteSet(part as Expression);

/** A tree with every direct part replaced. */
export const mapParts = (x: Expression, change: (part: Expression) => Expression): Expression => {
  const map = (part: unknown): unknown => (Array.isArray(part) ? part.map(map) : typeof part === "object" && part !== null && "kind" in part ? change(part as Expression) : part);
  return Object.fromEntries(Object.entries(x).map(([name, part]) => [name, map(part)])) as unknown as Expression;
};

/** The direct parts of a tree, in reading order. */
export const childrenOf = (x: Expression): readonly Expression[] => {
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
};
