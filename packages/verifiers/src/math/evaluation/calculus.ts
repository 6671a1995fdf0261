/**
 * Derivatives by the usual rules, also of integrals by their bounds (Leibniz).
 */
import { spend } from "../budget";
import {
  EULER,
  type Expression,
  MINUS_ONE,
  ONE_NODE,
  OPAQUE,
  type SymbolNode,
  call,
  charged,
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
  same,
  sum,
  sumOf,
} from "../expression";
import { substitute } from "../latex-parser/substitution";
import { HALF } from "../rational";
import { depends } from "../structure";

/** d x / d variable; a tree without a value where no rule is known. */
export const differentiate = (x: Expression, variable: SymbolNode): Expression => {
  spend(8);
  const slope = (part: Expression): Expression => differentiate(part, variable);
  if (same(x, variable)) return ONE_NODE;
  if (!depends(x, variable)) return integerNode(0);
  if (isAdd(x)) return sumOf(x.args.map(slope));
  if (isMul(x)) {
    spend(x.args.length ** 2);
    return sumOf(x.args.map((arg, i) => productOf(x.args.with(i, slope(arg)))));
  }
  if (isPow(x)) {
    const byBase = product(product(x.exponent, pow(x.base, sum(x.exponent, MINUS_ONE))), slope(x.base));
    return depends(x.exponent, variable)
      ? sum(byBase, product(product(x, call("log", [x.base, EULER])), slope(x.exponent)))
      : byBase;
  }
  if (isFunction(x)) {
    const [inner, base] = x.args;
    const outer = OUTER[x.name];
    if (outer && !(base && depends(base, variable)))
      return product(
        outer((name) => call(name, [inner!]), inner!, base!),
        slope(inner!),
      );
  }
  if (isDerivative(x)) return slope(differentiate(x.body, x.variable));
  if (isIntegral(x)) {
    if (!x.lower) return same(x.variable, variable) ? x.body : OPAQUE;
    const end = (bound: Expression): Expression =>
      product(charged(substitute(x.body, x.variable, bound)), slope(bound));
    if (!depends(x.body, variable)) return sum(end(x.upper!), negative(end(x.lower)));
  }
  return OPAQUE;
};

const inverse = (x: Expression): Expression => pow(x, MINUS_ONE);
const square = (x: Expression): Expression => pow(x, integerNode(2));
const ofArcsine = (x: Expression): Expression => inverse(pow(sum(ONE_NODE, negative(square(x))), number(HALF)));

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
