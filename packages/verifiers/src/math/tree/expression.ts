/**
 * The parsed form of an answer. Trees stay as written (`1 + 1` is a sum, not 2), because Math-Verify's verdict depends
 * on that: a lone symbol is compared by its name, a lone decimal by rounding. Values are worked out when two trees are
 * compared.
 */
import { type Rational, integer, negate, rational } from "../rational";

/** A number: `float` marks decimals (0.5), which compare after rounding; exact ones compare exactly. */
export interface NumberNode {
  readonly kind: "number";
  readonly value: Rational;
  readonly float: boolean;
}
/**
 * A symbol. `real` is false when the text looked complex (a lone `i`, `\mathbb{C}`): such symbols equal no real ones.
 */
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
function is<K extends Expression["kind"]>(...kinds: readonly K[]) {
  return (x: Expression): x is Nodes<K> & { readonly kind: K } => kinds.includes(x.kind as K);
}
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
/** What polynomials are made of, beside powers. */
export const isArithmetic = is("number", "symbol", "add", "mul");
/** Finite sums and products. */
export const isSeries = is("sum", "product");
export const isSet = is("set", "interval", "union", "intersection", "complement", "namedSet");

export function constant(name: ConstantName): ConstantNode {
  return { kind: "constant", name };
}
export const PERCENT: PercentNode = { kind: "percent" };
export const INFINITY = constant("oo");
export const EULER = constant("e");
export const PI = constant("pi");
export const IMAGINARY = constant("I");
export const COMPLEX_INFINITY = constant("zoo");
export const EMPTY_SET: NamedSetNode = { kind: "namedSet", name: "empty" };
export const OPAQUE: OpaqueNode = { kind: "opaque" };

export function number(value: Rational, float = false): NumberNode {
  return { kind: "number", value, float };
}
export function integerNode(value: number): NumberNode {
  return number(integer(value));
}
export function symbol(name: string, real: boolean): SymbolNode {
  return { kind: "symbol", name, real };
}
export function sumOf(args: readonly Expression[]): AddNode {
  return { kind: "add", args };
}
export function productOf(args: readonly Expression[]): MulNode {
  return { kind: "mul", args };
}
export function matrix(rows: readonly (readonly Expression[])[]): MatrixNode {
  return { kind: "matrix", rows };
}
export function tuple(items: readonly Expression[]): TupleNode {
  return { kind: "tuple", items };
}
/** What a sum, product, integral or limit goes between; a limit has only a lower end. */
export type BinderEnds = Partial<Pick<BinderNode, "lower" | "upper" | "direction">>;

/** A sum, product, integral, limit or derivative; see `BinderNode`. */
export function binder(
  kind: BinderNode["kind"],
  body: Expression,
  variable: SymbolNode,
  { lower = null, upper = null, direction = 1 }: BinderEnds = {},
): BinderNode {
  return { kind, body, variable, lower, upper, direction };
}
export function relation(operator: RelationOperator, left: Expression, right: Expression): RelationNode {
  return {
    kind: "relation",
    operator,
    left,
    right,
  };
}
export function call(name: string, args: readonly Expression[]): FunctionNode {
  return { kind: "function", name, args };
}
export function pow(base: Expression, exponent: Expression): PowNode {
  return { kind: "pow", base, exponent };
}
export const MINUS_ONE = integerNode(-1);
export const ONE_NODE = integerNode(1);

/** What a sum adds up; of any other tree itself. */
export function termsOf(x: Expression): readonly Expression[] {
  return isAdd(x) ? x.args : [x];
}
/** What a product multiplies; of any other tree itself. */
export function factorsOf(x: Expression): readonly Expression[] {
  return isMul(x) ? x.args : [x];
}

/** Sum, with sums among the two sides flattened in the order written. */
export function sum(left: Expression, right: Expression): AddNode {
  return sumOf([...termsOf(left), ...termsOf(right)]);
}

/** Product, with products among the two sides flattened in the order written. */
export function product(left: Expression, right: Expression): MulNode {
  return productOf([...factorsOf(left), ...factorsOf(right)]);
}

/** Sum of terms, with sums among them flattened; one term is itself. */
export function flatSum(terms: readonly Expression[]): Expression {
  return terms.length > 1 ? sumOf(gathered(terms, termsOf)) : terms[0]!;
}

/** Product of factors, with products among them flattened; one factor is itself. */
export function flatProduct(factors: readonly Expression[]): Expression {
  return factors.length > 1 ? productOf(gathered(factors, factorsOf)) : factors[0]!;
}

/** As `flatMap`, several times faster on the short lists of most answers. */
function gathered(parts: readonly Expression[], piecesOf: (part: Expression) => readonly Expression[]): Expression[] {
  const found: Expression[] = [];
  for (const part of parts) for (const piece of piecesOf(part)) found.push(piece);
  return found;
}

/** left / right: a rational when both are integers, else a product with a reciprocal (kept as written). */
export function quotient(left: Expression, right: Expression): Expression {
  if (!isIntegerNode(left) || !isIntegerNode(right)) return productOf([left, pow(right, MINUS_ONE)]);
  const [n, d] = [(left as NumberNode).value.n, (right as NumberNode).value.n];
  return d ? number(rational(n, d)) : n ? COMPLEX_INFINITY : constant("nan");
}

/** -x: folded for numbers, a product otherwise. */
export function negative(x: Expression): Expression {
  return isNumber(x) ? number(negate(x.value), x.float) : product(MINUS_ONE, x);
}

export function isIntegerNode(x: Expression): boolean {
  return isNumber(x) && !x.float && x.value.d === 1n;
}
/** Whether a tree is this exact integer. */
export function isExactly(x: Expression, value: number): boolean {
  return isIntegerNode(x) && (x as NumberNode).value.n === BigInt(value);
}

/** Whether a part of a node is a tree itself, not a name, a number or a list. */
export function isTree(part: unknown): part is Expression {
  return !!(part as Expression | null)?.kind;
}
