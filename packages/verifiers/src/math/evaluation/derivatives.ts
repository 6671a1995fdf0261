/**
 * Derivatives by the usual rules, also of integrals by their bounds (Leibniz).
 */
import type { Budget } from "../budget";
import {
  EULER,
  type Expression,
  MINUS_ONE,
  ONE_NODE,
  OPAQUE,
  type SymbolNode,
  call,
  integerNode,
  isAdd,
  isDerivative,
  isFunction,
  isIntegral,
  isMul,
  isPow,
  negative,
  number,
  pow,
  product,
  productOf,
  sum,
  sumOf,
} from "../tree/expression";
import { same } from "../tree/identity";
import { depends } from "../tree/structure";
import { charged, substitute } from "../tree/traversal";
import { HALF } from "../rational";

/** d x / d variable; a tree without a value where no rule is known. */
export function differentiate(budget: Budget, x: Expression, variable: SymbolNode): Expression {
  budget.spend(8);
  const slope = (part: Expression): Expression => differentiate(budget, part, variable);
  if (same(x, variable)) return ONE_NODE;
  if (!depends(budget, x, variable)) return integerNode(0);
  if (isAdd(x)) return sumOf(x.args.map(slope));
  if (isMul(x)) {
    budget.spend(x.args.length ** 2);
    return sumOf(x.args.map((arg, i) => productOf(x.args.with(i, slope(arg)))));
  }
  if (isPow(x)) {
    const byBase = product(product(x.exponent, pow(x.base, sum(x.exponent, MINUS_ONE))), slope(x.base));
    return depends(budget, x.exponent, variable)
      ? sum(byBase, product(product(x, call("log", [x.base, EULER])), slope(x.exponent)))
      : byBase;
  }
  if (isFunction(x)) {
    const [inner, base] = x.args;
    const outer = OUTER[x.name];
    if (outer && !(base && depends(budget, base, variable)))
      return product(
        outer((name) => call(name, [inner!]), inner!, base!),
        slope(inner!),
      );
  }
  if (isDerivative(x)) return slope(differentiate(budget, x.body, x.variable));
  if (isIntegral(x)) {
    if (!x.lower) return same(x.variable, variable) ? x.body : OPAQUE;
    const end = (bound: Expression): Expression =>
      product(charged(budget, substitute(budget, x.body, x.variable, bound)), slope(bound));
    if (!depends(budget, x.body, variable)) return sum(end(x.upper!), negative(end(x.lower)));
  }
  return OPAQUE;
}

function inverse(x: Expression): Expression {
  return pow(x, MINUS_ONE);
}
function square(x: Expression): Expression {
  return pow(x, integerNode(2));
}
function ofArcsine(x: Expression): Expression {
  return inverse(pow(sum(ONE_NODE, negative(square(x))), number(HALF)));
}

/** The derivatives of functions: `of` is another function of the same x, `base` that of a logarithm. */
const OUTER: Readonly<
  Record<string, (of: (name: string) => Expression, x: Expression, base: Expression) => Expression>
> = {
  exp: (of) => of("exp"),
  log: (_, x, base) => inverse(product(x, call("log", [base, EULER]))),
  sin: (of) => of("cos"),
  cos: (of) => negative(of("sin")),
  tan: (of) => sum(square(of("tan")), ONE_NODE),
  cot: (of) => negative(square(of("csc"))),
  sec: (of) => product(of("sec"), of("tan")),
  csc: (of) => negative(product(of("csc"), of("cot"))),
  sinh: (of) => of("cosh"),
  cosh: (of) => of("sinh"),
  asin: (_, x) => ofArcsine(x),
  acos: (_, x) => negative(ofArcsine(x)),
  atan: (_, x) => inverse(sum(ONE_NODE, square(x))),
};
