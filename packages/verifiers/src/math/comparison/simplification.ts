/**
 * What SymPy 1.14's `simplify` does not find, though it is true: formulas whose two sides it leaves different count as unequal here too.
 */
import { differentiate } from "../evaluation/calculus";
import { approximate } from "../evaluation/numeric";
import { type BinderNode, type Expression, type FunctionNode, childrenOf, isIntegerNode, isExactly, keyOf, isPow, isNumber, isSymbol, isAdd, isMul, isFunction } from "../expression";
import { freeSymbols } from "../structure";

const NOWHERE = new Map<string, never>();

/** Whether f may equal a derivative. It is not simplified there: (x+1)·e^x is not its e^x + x·e^x. f must be a polynomial, or have as many terms. */
export const asDerived = (f: Expression, x: BinderNode): boolean => {
  const slope = differentiate(x.body, x.variable);
  return slope === null || f.kind === x.kind || isPolynomial(f) || termsOf(slope) === termsOf(f);
};

const isPolynomial = (x: Expression): boolean => {
  if (isPow(x)) return isIntegerNode(x.exponent) && !isExactly(x.exponent, -1) && isPolynomial(x.base);
  return (isNumber(x) || isSymbol(x) || isAdd(x) || isMul(x)) && childrenOf(x).every(isPolynomial);
};

/** How many terms a sum has that are not 0. */
const termsOf = (x: Expression): number => {
  if (isAdd(x)) return x.args.reduce((count, arg) => count + termsOf(arg), 0);
  const factors = isMul(x) ? x.args : [x];
  const values = factors.map((factor) => (freeSymbols(factor).size === 0 ? approximate(factor, NOWHERE).re : NaN));
  if (values.includes(0)) return 0;
  const rest = factors.filter((_, i) => values[i] !== 1);
  return rest.length === 1 && rest[0] !== x ? termsOf(rest[0]!) : 1;
};

/**
 * What the trigonometric functions in a tree are taken of; of tangents only those whose formulas the reference lacks: of multiples,
 * and hyperbolic ones.
 */
const anglesOf = (x: Expression, tangents: boolean, found: Set<string> = new Set()): Set<string> => {
  const name = isFunction(x) ? /^(tan|cot|tanh|(?:sin|cos|sec|csc)h?)$/.exec(x.name)?.[1] : undefined;
  if (name !== undefined) {
    const angle = (x as FunctionNode).args[0]!;
    const key = keyOf(angle);
    const lacking = name === "tanh" || (/^(tan|cot)$/.test(name) && isMul(angle) && !/constant|function/.test(key));
    if (!tangents || lacking) found.add(name.endsWith("h") ? `h${key}` : key);
  }
  for (const part of childrenOf(x)) anglesOf(part, tangents, found);
  return found;
};

/** Whether every such tangent meets a trigonometric function of the same angle on the other side. */
export const tangentsMeet = (a: Expression, b: Expression): boolean => {
  const tangents = anglesOf(a, true);
  if (tangents.size === 0) return true;
  const others = anglesOf(b, false);
  return [...tangents].every((key) => others.has(key));
};
