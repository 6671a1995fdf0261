/**
 * Derivatives by the usual rules, also of integrals by their bounds (Leibniz).
 */
import { spend } from "../budget";
import { EULER, type Expression, ONE_NODE, type SymbolNode, call, integerNode, negative, pow, product, quotient, same, sum, sumOf, productOf } from "../expression";
import { substitute } from "../latex-parser/substitution";
import { freeSymbols, symbolKey } from "../structure";

const ZERO_NODE = integerNode(0);
const inverse = (x: Expression): Expression => pow(x, integerNode(-1));
const square = (x: Expression): Expression => pow(x, integerNode(2));

const depends = (x: Expression, variable: SymbolNode): boolean => freeSymbols(x).has(symbolKey(variable));

/** d x / d variable; null where no rule is known. */
export const differentiate = (x: Expression, variable: SymbolNode): Expression | null => {
  spend(8);
  if (same(x, variable)) return ONE_NODE;
  if (!depends(x, variable)) return ZERO_NODE;
  switch (x.kind) {
    case "add": {
      const parts = x.args.map((arg) => differentiate(arg, variable));
      return parts.some((part) => part === null) ? null : sumOf(parts as Expression[]);
    }
    case "mul": {
      const terms: Expression[] = [];
      for (let i = 0; i < x.args.length; i++) {
        const slope = differentiate(x.args[i]!, variable);
        if (slope === null) return null;
        terms.push(productOf(x.args.map((arg, j) => (i === j ? slope : arg))));
      }
      return sumOf(terms);
    }
    case "pow": {
      const base = differentiate(x.base, variable);
      const exponent = differentiate(x.exponent, variable);
      if (base === null || exponent === null) return null;
      const byBase = product(product(x.exponent, pow(x.base, sum(x.exponent, integerNode(-1)))), base);
      return depends(x.exponent, variable) ? sum(byBase, product(product(x, call("log", [x.base, EULER])), exponent)) : byBase;
    }
    case "function": {
      const inner = x.args[0]!;
      if (x.name === "log" && depends(x.args[1]!, variable)) return null;
      const slope = differentiate(inner, variable);
      const outer = OUTER[x.name]?.(inner, x);
      return slope === null || outer === undefined ? null : product(outer, slope);
    }
    case "integral": {
      if (x.lower === null || x.upper === null) return same(x.variable, variable) ? x.body : null;
      if (depends(x.body, variable)) return null;
      const end = (bound: Expression, slope: Expression | null): Expression | null => slope && product(substitute(x.body, x.variable, bound), slope);
      const [lower, upper] = [end(x.lower, differentiate(x.lower, variable)), end(x.upper, differentiate(x.upper, variable))];
      return lower && upper && sum(upper, negative(lower));
    }
    default:
      return null;
  }
};

const OUTER: Readonly<Record<string, (x: Expression, whole: Extract<Expression, { kind: "function" }>) => Expression>> = {
  exp: (x) => call("exp", [x]),
  log: (x, whole) => inverse(product(x, call("log", [whole.args[1]!, EULER]))),
  sin: (x) => call("cos", [x]),
  cos: (x) => negative(call("sin", [x])),
  tan: (x) => sum(square(call("tan", [x])), ONE_NODE),
  cot: (x) => negative(square(call("csc", [x]))),
  sec: (x) => product(call("sec", [x]), call("tan", [x])),
  csc: (x) => negative(product(call("csc", [x]), call("cot", [x]))),
  sinh: (x) => call("cosh", [x]),
  cosh: (x) => call("sinh", [x]),
  asin: (x) => inverse(pow(sum(ONE_NODE, negative(square(x))), quotient(ONE_NODE, integerNode(2)))),
  acos: (x) => negative(inverse(pow(sum(ONE_NODE, negative(square(x))), quotient(ONE_NODE, integerNode(2))))),
  atan: (x) => inverse(sum(ONE_NODE, square(x))),
};
