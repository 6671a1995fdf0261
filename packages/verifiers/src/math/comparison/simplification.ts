/**
 * What SymPy 1.14's `simplify` does not find, though it is true: formulas whose two sides it leaves different count as
 * unequal here too.
 */
import { differentiate } from "../evaluation/derivatives";
import {
  type Expression,
  factorsOf,
  isAdd,
  isArithmetic,
  isDerivative,
  isExactly,
  isFunction,
  isIntegerNode,
  isMul,
  isPow,
} from "../tree/expression";
import { keyOf } from "../tree/identity";
import { childrenOf } from "../tree/traversal";
import type { Comparison } from "./comparison";
import { constantValue } from "./constants";

/**
 * Whether f may equal a derivative. It is not simplified there: (x+1)·e^x is not its e^x + x·e^x. f must be a
 * polynomial, or have as many terms. Of a second derivative ours has more terms, so that they tell nothing.
 */
export function asDerived(comparison: Comparison, f: Expression, x: Expression): boolean {
  if (!isDerivative(x) || isDerivative(x.body) || isDerivative(f) || isPolynomial(f)) return true;
  const slope = differentiate(comparison.budget, x.body, x.variable);
  return countTerms(comparison, slope) === countTerms(comparison, f);
}

function isPolynomial(x: Expression): boolean {
  const isPart = isPow(x) ? isIntegerNode(x.exponent) && !isExactly(x.exponent, -1) : isArithmetic(x);
  return isPart && childrenOf(x).every(isPolynomial);
}

/** How many terms a sum has that are not 0. */
function countTerms(comparison: Comparison, x: Expression): number {
  if (isAdd(x)) return x.args.reduce((count, arg) => count + countTerms(comparison, arg), 0);
  const factors = factorsOf(x);
  const values = factors.map((factor) => constantValue(comparison, factor)[1].re);
  if (values.includes(0)) return 0;
  const rest = factors.filter((_, i) => values[i] !== 1);
  return rest.length === 1 && rest[0] !== x ? countTerms(comparison, rest[0]!) : 1;
}

/**
 * What the trigonometric functions in a tree are taken of; of tangents only those whose formulas the reference lacks:
 * of multiples, and hyperbolic ones.
 */
function anglesOf(x: Expression, tangents: boolean, found: Set<string> = new Set()): Set<string> {
  if (isFunction(x) && /^(tanh?|cot|(sin|cos|sec|csc)h?)$/.test(x.name)) {
    const [angle] = x.args as [Expression];
    const key = keyOf(angle);
    const lacking = x.name === "tanh" || (/^(tan|cot)$/.test(x.name) && isMul(angle) && !/constant|function/.test(key));
    if (!tangents || lacking) found.add(x.name.endsWith("h") + key);
  }
  for (const part of childrenOf(x)) anglesOf(part, tangents, found);
  return found;
}

/** Whether every such tangent meets a trigonometric function of the same angle on the other side. */
export function tangentsMeet(a: Expression, b: Expression): boolean {
  let others: Set<string> | undefined;
  return [...anglesOf(a, true)].every((key) => (others ??= anglesOf(b, false)).has(key));
}
