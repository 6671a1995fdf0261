/**
 * Functions: named ones with and without parentheses, roots, big operators, limits, integrals, and unknown ones applied, `f(x)`.
 */
import {
  binder,
  call,
  childrenOf,
  EULER,
  type Expression,
  integerNode,
  ONE_NODE,
  OPAQUE,
  pow,
  quotient,
  type SymbolNode,
  isMatrix,
  isSymbol,
  isPow,
  isAdd,
  isMul,
  isFunction,
} from "../expression";
import { parseAtom, parseScript, skipSubscript } from "./atoms";
import { applyNamed, evaluated, greatestCommonDivisor } from "./named-functions";
import { substitute } from "./substitution";
import { symbolFor } from "./symbols";
import {
  accept,
  ahead,
  attempt,
  differentialName,
  enclosed,
  expect,
  fail,
  is,
  isName,
  named,
  parseBraced,
  parseExpression,
  parseFactors,
  peek,
  real,
  separated,
  take,
  unbuildable,
  untilDifferential,
} from "./token-reader";

type Bounds = [lower?: Expression, upper?: Expression];

export const parseFunction = (): Expression => FUNCTIONS[peek()]!(take());

/** `_{..}` and `^{..}`, in either order. */
const parseScripts = (): Bounds => {
  let lower: Expression | undefined;
  let upper: Expression | undefined;
  for (;;) {
    if (!upper && accept("^")) upper = parseScript();
    else if (!lower && accept("_")) lower = parseScript();
    else return [lower, upper];
  }
};

const parseArguments = (): Expression[] => separated(",", parseExpression);

const parseSingleArgument = (name: string): Expression => {
  const [lower, upper] = parseScripts();
  return applyNamed(name, is("(") ? enclosed("(", parseExpression) : parseFactors(true), lower, upper);
};

const parseSeveralArguments = (name: string): Expression => {
  const [, upper] = parseScripts();
  const args = enclosed("(", parseArguments);
  const value = /^(gcd|lcm)$/.test(name)
    ? greatestCommonDivisor(name, args)
    : !/^(max|min)$/.test(name)
      ? unbuildable()
      : args.length > 1
        ? call(name, args)
        : args[0]!;
  return upper ? pow(value, upper) : value;
};

export const squareRoot = (x: Expression, degree: Expression = integerNode(2)): Expression =>
  pow(x, quotient(ONE_NODE, degree));

const parseEquals = (): void => {
  if (!accept("=") && !accept("==")) fail();
};

const parseBigOperator = (kind: "sum" | "product") => (): Expression => {
  const early = accept("^") && parseScript();
  expect("_");
  const [variable, lower] = enclosed("{", () => {
    const name = parseExpression();
    parseEquals();
    return [name, parseExpression()];
  });
  const upper = early || (expect("^"), parseScript());
  const body = parseFactors(false);
  return isSymbol(variable!) ? binder(kind, body, variable, lower, upper) : unbuildable();
};

const parseBounds = (): Bounds => {
  if (ahead(/^[_^]\{\}/) && ahead(/^[_^]\{\}/, 3)) {
    take(6);
    return [];
  }
  if (is("_") && isName(1) && peek(2) === "^") {
    // The power in `\int_a^b` is the upper bound, not one of a.
    take();
    const lower = symbolFor(take(), real);
    take();
    return [lower, parseScript()];
  }
  const bounds = parseScripts();
  return !bounds[0] === !bounds[1] ? bounds : fail();
};

const findDifferential = (x: Expression): SymbolNode | undefined => {
  if (isSymbol(x)) return x.name.length > 1 && x.name.startsWith("d") ? x : undefined;
  if (isPow(x) || isAdd(x) || isMul(x) || isFunction(x)) {
    for (const part of childrenOf(x)) {
      const found = findDifferential(part);
      if (found) return found;
    }
  }
};

const single = (text: string): Expression => parseSingleArgument(text.slice(1));

/** What begins a function: how it is read on. */
export const FUNCTIONS: Readonly<Record<string, (text: string) => Expression>> = {
  fn: single,
  gammafn: single,
  fnmulti: (text) => parseSeveralArguments(text.slice(1)),
  operatorname: () => {
    expect("{");
    const type = peek();
    const name = take();
    expect("}");
    if (!type.startsWith("word:") || name.includes("matrix")) fail();
    return (/^(gcd|lcm|zeros|ones|diag|orth.*|.stack)$/.test(name) ? parseSeveralArguments : parseSingleArgument)(name);
  },
  sqrt: () => {
    const degree = is("[") ? enclosed("[", parseExpression) : undefined;
    const base = parseBraced();
    return isMatrix(base) ? OPAQUE : squareRoot(base, degree);
  },
  sum: parseBigOperator("sum"),
  prod: parseBigOperator("product"),
  lim: () => {
    expect("_");
    expect("{");
    if (!isName() || is("accent")) fail();
    const variable = symbolFor(take(), real, false);
    expect("to");
    const approached = parseExpression();
    let direction: 1 | -1 = 1;
    if (accept("^")) {
      expect("{");
      if (accept("-")) direction = -1;
      else expect("+");
      expect("}");
    }
    expect("}");
    const body = parseFactors(false);
    return isSymbol(variable) ? binder("limit", body, variable, approached, null, direction) : unbuildable();
  },
  int: () => {
    const [lower, upper] = parseBounds();
    let variable = "x";
    let body = attempt(13, () => {
      const integrand = untilDifferential(() => (is("differential") ? ONE_NODE : parseExpression()));
      variable = differentialName(expect("differential"));
      return integrand;
    });
    if (!body) {
      // `\int \frac{dx}{x}`: the differential is a factor somewhere inside; without one the variable is x.
      body = parseExpression();
      const differential = findDifferential(body);
      if (differential) {
        variable = differential.name.slice(1);
        body = substitute(body, differential, ONE_NODE);
      }
    }
    return binder("integral", body, named(variable), lower, upper);
  },
  euler: () => (accept("^") ? evaluated(call("exp", [parseScript()])) : EULER),
};

/** `f(x)`, `f(x, y)`, `f[x]`: a name before brackets that hold one atom, or a list; undefined for a name without. */
export const parseApplication = (): Expression | undefined =>
  isName() && ahead(/^([_^]|\{?[([])/, 1)
    ? attempt(14, () => {
        let name = take();
        if (accept("_")) name += `_${skipSubscript()}`;
        const exponent = accept("^") && parseScript();
        if (!ahead(/^\{?[([]/)) fail();
        const inBraces = accept("{");
        const value: Expression = { kind: "call", name, args: enclosed(peek(), parseApplied) };
        if (inBraces) expect("}");
        return exponent ? pow(value, exponent) : value;
      })
    : undefined;

const parseApplied = (closer: string): Expression[] => {
  const atom = attempt(15, () => {
    const value = parseAtom();
    return is(closer) ? value : fail();
  });
  if (atom) return [atom];
  const args = [parseExpression()];
  if (!is(",")) fail();
  while (accept(",") && !is(closer)) args.push(parseExpression());
  return args;
};
