/**
 * The parsed form of an answer. Trees stay as written (`1 + 1` is a sum, not 2), because Math-Verify's verdict depends on
 * that: a lone symbol is compared by its name, a lone decimal by rounding. Values are worked out when two trees are compared.
 */
import { spend } from "./budget";
import { type Rational, integer, negate, rational } from "./rational";

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
  /** Of a bare `\frac{d}{dx}`, which acts on what follows it. */
  readonly variable?: SymbolNode;
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
/** Whether a tree is of one of these kinds. */
const is =
  <K extends Expression["kind"]>(...kinds: readonly K[]) =>
  (x: Expression): x is Nodes<K> & { readonly kind: K } =>
    kinds.includes(x.kind as K);
export const isNumber = is("number");
export const isSymbol = is("symbol");
export const isConstant = is("constant");
export const isAdd = is("add");
export const isMul = is("mul");
export const isPow = is("pow");
export const isPercent = is("percent");
export const isFunction = is("function");
export const isCall = is("call");
export const isMatrix = is("matrix");
export const isFiniteSet = is("set");
export const isTuple = is("tuple");
export const isInterval = is("interval");
export const isSingleRelation = is("relation");
export const isChain = is("chain");
export const isOpaque = is("opaque");
export const isIntegral = is("integral");
export const isDerivative = is("derivative");
/** What has items that are compared one by one. */
export const isList = is("set", "tuple");
/** What polynomials are made of, beside powers. */
export const isArithmetic = is("number", "symbol", "add", "mul");
/** Finite sums and products. */
export const isSeries = is("sum", "product");
export const isSet = is("set", "interval", "union", "intersection", "complement", "namedSet");

export const constant = (name: ConstantName): ConstantNode => ({ kind: "constant", name });
export const PERCENT: PercentNode = { kind: "percent" };
export const INFINITY = constant("oo");
export const EULER = constant("e");
export const PI = constant("pi");
export const IMAGINARY = constant("I");
export const COMPLEX_INFINITY = constant("zoo");
export const EMPTY_SET: NamedSetNode = { kind: "namedSet", name: "empty" };
export const OPAQUE: OpaqueNode = { kind: "opaque" };

export const number = (value: Rational, float = false): NumberNode => ({ kind: "number", value, float });
export const integerNode = (value: number): NumberNode => number(integer(value));
export const symbol = (name: string, real: boolean): SymbolNode => ({ kind: "symbol", name, real });
export const sumOf = (args: readonly Expression[]): AddNode => ({ kind: "add", args });
export const productOf = (args: readonly Expression[]): MulNode => ({ kind: "mul", args });
export const matrix = (rows: readonly (readonly Expression[])[]): MatrixNode => ({ kind: "matrix", rows });
export const tuple = (items: readonly Expression[]): TupleNode => ({ kind: "tuple", items });
/** A sum, product, integral, limit or derivative; see `BinderNode`. */
export const binder = (
  kind: BinderNode["kind"],
  body: Expression,
  variable: SymbolNode,
  lower: Expression | null = null,
  upper: Expression | null = null,
  direction: 1 | -1 = 1,
): BinderNode => ({ kind, body, variable, lower, upper, direction });
export const relation = (operator: RelationOperator, left: Expression, right: Expression): RelationNode => ({
  kind: "relation",
  operator,
  left,
  right,
});
export const call = (name: string, args: readonly Expression[]): FunctionNode => ({ kind: "function", name, args });
export const pow = (base: Expression, exponent: Expression): PowNode => ({ kind: "pow", base, exponent });
export const MINUS_ONE = integerNode(-1);
export const ONE_NODE = integerNode(1);

/** What a sum adds up; of any other tree itself. */
export const termsOf = (x: Expression): readonly Expression[] => (isAdd(x) ? x.args : [x]);
/** What a product multiplies; of any other tree itself. */
export const factorsOf = (x: Expression): readonly Expression[] => (isMul(x) ? x.args : [x]);

/** Sum, with sums among the two sides flattened in the order written. */
export const sum = (left: Expression, right: Expression): AddNode => sumOf([...termsOf(left), ...termsOf(right)]);

/** Product, with products among the two sides flattened in the order written. */
export const product = (left: Expression, right: Expression): MulNode =>
  productOf([...factorsOf(left), ...factorsOf(right)]);

/** Sum of terms, with sums among them flattened; one term is itself. */
export const flatSum = (terms: readonly Expression[]): Expression =>
  terms.length > 1 ? sumOf(gathered(terms, termsOf)) : terms[0]!;

/** Product of factors, with products among them flattened; one factor is itself. */
export const flatProduct = (factors: readonly Expression[]): Expression =>
  factors.length > 1 ? productOf(gathered(factors, factorsOf)) : factors[0]!;

/** As `flatMap`, several times faster on the short lists of most answers. */
const gathered = (
  parts: readonly Expression[],
  piecesOf: (part: Expression) => readonly Expression[],
): Expression[] => {
  const found: Expression[] = [];
  for (const part of parts) for (const piece of piecesOf(part)) found.push(piece);
  return found;
};

/** left / right: a rational when both are integers, else a product with a reciprocal (kept as written). */
export const quotient = (left: Expression, right: Expression): Expression => {
  if (!isIntegerNode(left) || !isIntegerNode(right)) return productOf([left, pow(right, MINUS_ONE)]);
  const [n, d] = [(left as NumberNode).value.n, (right as NumberNode).value.n];
  return d ? number(rational(n, d)) : n ? COMPLEX_INFINITY : constant("nan");
};

/** -x: folded for numbers, a product otherwise. */
export const negative = (x: Expression): Expression =>
  isNumber(x) ? number(negate(x.value), x.float) : product(MINUS_ONE, x);

export const isIntegerNode = (x: Expression): boolean => isNumber(x) && !x.float && x.value.d === 1n;
/** Whether a tree is this exact integer. */
export const isExactly = (x: Expression, value: number): boolean =>
  isIntegerNode(x) && (x as NumberNode).value.n === BigInt(value);

/** Finite set without structural repeats; the empty list is the empty set. */
export const finiteSet = (written: readonly Expression[]): SetNode | NamedSetNode => {
  if (written.length === 0) return EMPTY_SET;
  const keys = new Set<string>();
  const set: SetNode = {
    kind: "set",
    items: written.filter((item) => keys.size < keys.add(keyOf(item)).size),
    written,
  };
  setKeys.set(set, keyOfItems([...keys]));
  return set;
};

/** Whether two trees are written the same (sums and products in the same order; sets in any), part by part, whatever their kinds. */
export const same = (a: unknown, b: unknown): boolean => {
  if (a === b || a !== Object(a)) return a === b;
  if (isSetNode(a)) return keyOf(a) === keyOf(b);
  const [parts, others] = [a, b] as Readonly<Record<string, unknown>>[];
  for (const name in parts) if (!same(parts[name], others?.[name])) return false;
  return parts!["length"] === others?.["length"];
};

/** Of sets, which stand within sets: without it the key of the innermost of many would be made anew for each around it. */
const setKeys = new WeakMap<SetNode, string>();
const keyOfItems = (keys: string[]): string => `(${keys.sort()})`;

/** A string that two trees share exactly when `same` holds of them. */
export const keyOf = (part: unknown): string => {
  if (typeof part === "string") return JSON.stringify(part);
  if (typeof part !== "object") return `${part as bigint}`;
  if (isSetNode(part)) return setKeys.get(part) ?? keyOfItems(part.items.map(keyOf));
  let key = "(";
  for (const name in part) key += `${keyOf(part[name as keyof typeof part])},`;
  return `${key})`;
};

const isSetNode = (part: unknown): part is SetNode => isTree(part) && isFiniteSet(part);
const isTree = (part: unknown): part is Expression => !!(part as Expression | null)?.kind;

/** A tree with every part replaced for which there is a replacement; the variables of sums, integrals and the like stay. */
export const replaceParts = (x: Expression, replacement: (part: Expression) => Expression | undefined): Expression => {
  spend(4);
  const replaced = (part: unknown): unknown =>
    Array.isArray(part) ? part.map(replaced) : isTree(part) ? replaceParts(part, replacement) : part;
  return (
    replacement(x) ??
    // A set holds its parts twice: one pass over what is written keeps sets within sets from taking 2^depth steps.
    (isFiniteSet(x)
      ? finiteSet(replaced(x.written) as Expression[])
      : (Object.fromEntries(
          Object.entries(x).map(([name, part]) => [name, name === "variable" ? part : replaced(part)]),
        ) as unknown as Expression))
  );
};

/** The direct parts of a tree, in reading order; of a set without the repeats. */
export const childrenOf = (x: Expression): readonly Expression[] =>
  (x as AddNode).args ?? (x as TupleNode).items ?? partsIn(x, []);

/** Asked of every node again and again, so that no lists are made on the way. */
const partsIn = (x: object, found: Expression[]): Expression[] => {
  for (const name in x) {
    const part: unknown = x[name as keyof typeof x];
    if (isTree(part)) found.push(part);
    else if (Array.isArray(part)) partsIn(part, found);
  }
  return found;
};

/** Whether a tree or any part of it passes a test. */
export const holds = (x: Expression, test: (part: Expression) => boolean): boolean =>
  test(x) || childrenOf(x).some((part) => holds(part, test));

/** Levels that a tree can be walked down by functions that call themselves, wherever they are called from. */
const DEEPEST = 300;

/**
 * Takes steps for every node of a tree, for where reading says a part of the text several times: products of matrices, determinants and
 * values at two places would otherwise double a tree with every few characters, or make it too deep to walk.
 *
 * @throws BudgetError when the tree is larger or deeper than an answer can be
 */
export const charged = <T extends Expression>(x: T, depth = 0): T => {
  spend(depth < DEEPEST ? 20 : Infinity);
  for (const part of childrenOf(x)) charged(part, depth + 1);
  return x;
};
