/**
 * Functions: named ones with and without parentheses, roots, big operators, limits, integrals, and unknown ones
 * applied, `f(x)`.
 */
import {
  EULER,
  type Expression,
  ONE_NODE,
  OPAQUE,
  type SymbolNode,
  binder,
  call,
  integerNode,
  isAdd,
  isFunction,
  isMatrix,
  isMul,
  isPow,
  isSymbol,
  pow,
  quotient,
} from "../tree/expression";
import { childrenOf, substitute } from "../tree/traversal";
import { parseAtom, parseScript, skipSubscript } from "./atoms";
import { type LatexReader, differentialName } from "./latex-reader";
import { applyNamed, evaluated, greatestCommonDivisor } from "./named-functions";
import { symbolFor } from "./symbols";

type Bounds = readonly [lower?: Expression | undefined, upper?: Expression | undefined];

export function parseFunction(reader: LatexReader): Expression {
  const parse = FUNCTIONS[reader.peek()]!;
  return parse(reader, reader.take());
}

/** `_{..}` and `^{..}`, in either order. */
function parseScripts(reader: LatexReader): Bounds {
  let lower: Expression | undefined;
  let upper: Expression | undefined;
  for (;;) {
    if (!upper && reader.accept("^")) upper = parseScript(reader);
    else if (!lower && reader.accept("_")) lower = parseScript(reader);
    else return [lower, upper];
  }
}

function parseSingleArgument(reader: LatexReader, written: string): Expression {
  const [lower, upper] = parseScripts(reader);
  const argument = reader.is("(") ? reader.group("(") : reader.factors(true);
  return applyNamed(reader, { written, argument, lower, upper });
}

function parseSeveralArguments(reader: LatexReader, name: string): Expression {
  const [, upper] = parseScripts(reader);
  const args = reader.enclosed("(", () => reader.separated(",", () => reader.expression()));
  const value = applySeveral(reader, name, args);
  return upper ? pow(value, upper) : value;
}

function applySeveral(reader: LatexReader, name: string, args: readonly Expression[]): Expression {
  if (/^(gcd|lcm)$/.test(name)) return greatestCommonDivisor(reader, name, args);
  if (!/^(max|min)$/.test(name)) return reader.unbuildable();
  return args.length > 1 ? call(name, args) : args[0]!;
}

export function squareRoot(x: Expression, degree: Expression = integerNode(2)): Expression {
  return pow(x, quotient(ONE_NODE, degree));
}

function parseBigOperator(kind: "sum" | "product") {
  return (reader: LatexReader): Expression => {
    const early = reader.accept("^") && parseScript(reader);
    reader.expect("_");
    const [variable, lower] = reader.enclosed("{", () => {
      const name = reader.expression();
      if (!reader.accept("=") && !reader.accept("==")) reader.fail();
      return [name, reader.expression()] as const;
    });
    if (!early) reader.expect("^");
    const upper = early || parseScript(reader);
    const body = reader.factors(false);
    return isSymbol(variable) ? binder(kind, body, variable, { lower, upper }) : reader.unbuildable();
  };
}

function parseLimit(reader: LatexReader): Expression {
  reader.expect("_");
  reader.expect("{");
  if (!reader.isName() || reader.is("accent")) reader.fail();
  const variable = symbolFor(reader.take(), reader.context.isReal, false);
  reader.expect("to");
  const approached = reader.expression();
  const direction = reader.accept("^") ? parseDirection(reader) : 1;
  reader.expect("}");
  const body = reader.factors(false);
  return isSymbol(variable) ? binder("limit", body, variable, { lower: approached, direction }) : reader.unbuildable();
}

/** `{+}` or `{-}` behind the place of a limit. */
function parseDirection(reader: LatexReader): 1 | -1 {
  reader.expect("{");
  const isBelow = reader.accept("-");
  if (!isBelow) reader.expect("+");
  reader.expect("}");
  return isBelow ? -1 : 1;
}

function parseIntegral(reader: LatexReader): Expression {
  const [lower = null, upper = null] = parseBounds(reader);
  const closed = reader.attempt(parseClosedIntegrand);
  if (closed) return binder("integral", closed.body, reader.named(closed.variable), { lower, upper });
  // `\int \frac{dx}{x}`: the differential is a factor somewhere inside; without one the variable is x.
  const body = reader.expression();
  const differential = findDifferential(body);
  if (!differential) return binder("integral", body, reader.named("x"), { lower, upper });
  const integrand = substitute(reader.budget, body, differential, ONE_NODE);
  return binder("integral", integrand, reader.named(differential.name.slice(1)), { lower, upper });
}

/** An integrand and its differential behind it. */
function parseClosedIntegrand(reader: LatexReader): { readonly body: Expression; readonly variable: string } {
  const body = reader.untilDifferential(() => (reader.is("differential") ? ONE_NODE : reader.expression()));
  return { body, variable: differentialName(reader.expect("differential")) };
}

function parseBounds(reader: LatexReader): Bounds {
  if (reader.ahead(/^[_^]\{\}/) && reader.ahead(/^[_^]\{\}/, 3)) {
    reader.take(6);
    return [];
  }
  if (reader.is("_") && reader.isName(1) && reader.peek(2) === "^") {
    // The power in `\int_a^b` is the upper bound, not one of a.
    reader.take();
    const lower = symbolFor(reader.take(), reader.context.isReal);
    reader.take();
    return [lower, parseScript(reader)];
  }
  const bounds = parseScripts(reader);
  return !bounds[0] === !bounds[1] ? bounds : reader.fail();
}

function findDifferential(x: Expression): SymbolNode | undefined {
  if (isSymbol(x)) return x.name.length > 1 && x.name.startsWith("d") ? x : undefined;
  if (!isPow(x) && !isAdd(x) && !isMul(x) && !isFunction(x)) return undefined;
  for (const part of childrenOf(x)) {
    const found = findDifferential(part);
    if (found) return found;
  }
}

function parseOperatorName(reader: LatexReader): Expression {
  reader.expect("{");
  const type = reader.peek();
  const name = reader.take();
  reader.expect("}");
  if (!type.startsWith("word:") || name.includes("matrix")) reader.fail();
  const hasSeveral = /^(gcd|lcm|zeros|ones|diag|orth.*|.stack)$/.test(name);
  return hasSeveral ? parseSeveralArguments(reader, name) : parseSingleArgument(reader, name);
}

function parseRoot(reader: LatexReader): Expression {
  const degree = reader.is("[") ? reader.group("[") : undefined;
  const base = reader.braced();
  return isMatrix(base) ? OPAQUE : squareRoot(base, degree);
}

function parseEuler(reader: LatexReader): Expression {
  return reader.accept("^") ? evaluated(reader, call("exp", [parseScript(reader)])) : EULER;
}

const parseSingle = (reader: LatexReader, text: string): Expression => parseSingleArgument(reader, text.slice(1));

/** What begins a function: how it is read on. */
export const FUNCTIONS: Readonly<Record<string, (reader: LatexReader, text: string) => Expression>> = {
  fn: parseSingle,
  gammafn: parseSingle,
  fnmulti: (reader, text) => parseSeveralArguments(reader, text.slice(1)),
  operatorname: parseOperatorName,
  sqrt: parseRoot,
  sum: parseBigOperator("sum"),
  prod: parseBigOperator("product"),
  lim: parseLimit,
  int: parseIntegral,
  euler: parseEuler,
};

/** `f(x)`, `f(x, y)`, `f[x]`: a name before brackets that hold one atom, or a list; undefined for a name without. */
export function parseApplication(reader: LatexReader): Expression | undefined {
  const mayFollow = reader.isName() && reader.ahead(/^([_^]|\{?[([])/, 1);
  return mayFollow ? reader.attempt(parseCall) : undefined;
}

function parseCall(reader: LatexReader): Expression {
  let name = reader.take();
  if (reader.accept("_")) name += `_${skipSubscript(reader)}`;
  const exponent = reader.accept("^") && parseScript(reader);
  if (!reader.ahead(/^\{?[([]/)) reader.fail();
  const isBraced = reader.accept("{");
  const args = reader.enclosed(reader.peek(), parseArguments);
  if (isBraced) reader.expect("}");
  const value: Expression = { kind: "call", name, args };
  return exponent ? pow(value, exponent) : value;
}

function parseArguments(reader: LatexReader, closer: string): Expression[] {
  const atom = reader.attempt(parseLoneAtom);
  if (atom) return [atom];
  const args = [reader.expression()];
  if (!reader.is(",")) reader.fail();
  while (reader.accept(",") && !reader.is(closer)) args.push(reader.expression());
  return args;
}

/** An atom with nothing behind it. */
function parseLoneAtom(reader: LatexReader): Expression {
  const value = parseAtom(reader);
  return reader.is(")") || reader.is("]") ? value : reader.fail();
}
