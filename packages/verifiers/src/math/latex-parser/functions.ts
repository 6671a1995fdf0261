/**
 * Functions: named ones with and without parentheses, roots, big operators, limits, integrals, and unknown ones applied, `f(x)`.
 */
import { call, EULER, type Expression, number, ONE_NODE, OPAQUE, pow, quotient, type SymbolNode, isMatrix, isSymbol, isPow, isAdd, isMul, isFunction, symbol } from "../expression";
import { HALF } from "../rational";
import { parseAtom, parseScript, skipSubscript } from "./atoms";
import { applyNamed, evaluated, greatestCommonDivisor, operatorNames } from "./named-functions";
import { substitute } from "./substitution";
import { symbolFor } from "./symbols";
import { accept, ATOMS, attempt, deeper, differentialName, expect, fail, isolated, NAMES, type TokenReader, unbuildable } from "./token-reader";

/** Tokens that begin a function. */
export const FUNCTION_STARTS = new Set(["fn", "gammafn", "fnmulti", "operatorname", "int", "sqrt", "sum", "prod", "lim", "euler"]);

export const parseFunction = (r: TokenReader): Expression => {
  const type = r.types[r.at]!;
  const text = r.tokens.texts[r.at]!;
  r.at++;
  switch (type) {
    case "fn":
    case "gammafn":
      return parseSingleArgument(r, text.slice(1));
    case "fnmulti":
      return parseSeveralArguments(r, text.slice(1));
    case "operatorname": {
      expect(r, "{");
      const word = r.types[r.at++]!;
      expect(r, "}");
      const name = word.startsWith("word:") ? word.slice(5) : fail();
      const arity = operatorNames.get(name!);
      if (arity === undefined) fail();
      return arity === "single" ? parseSingleArgument(r, name!) : parseSeveralArguments(r, name!);
    }
    case "sqrt":
      return parseRoot(r);
    case "sum":
    case "prod":
      return parseBigOperator(r, type === "sum" ? "sum" : "product");
    case "lim":
      return parseLimit(r);
    case "int":
      return parseIntegral(r);
    default:
      return accept(r, "^") ? evaluated(call("exp", [parseScript(r)])) : EULER;
  }
};

const parseScripts = (r: TokenReader): { lower: Expression | null; upper: Expression | null } => {
  let lower: Expression | null = null;
  let upper: Expression | null = null;
  for (let i = 0; i < 2; i++) {
    if (upper === null && accept(r, "^")) upper = parseScript(r);
    else if (lower === null && accept(r, "_")) lower = parseScript(r);
  }
  return { lower, upper };
};

const parseSingleArgument = (r: TokenReader, name: string): Expression => {
  const { lower, upper } = parseScripts(r);
  const argument =
    r.types[r.at] === "("
      ? attempt(r, 11, () => {
          r.at++;
          const value = isolated(r, () => r.rules.expression(r));
          expect(r, ")");
          return value;
        })
      : undefined;
  const value = argument ?? deeper(r, () => r.rules.term(r, true));
  const [applied, exponent] = applyNamed(name, value, lower, upper);
  if (applied === null) return unbuildable(r);
  return exponent === null ? applied : pow(applied, exponent);
};

const parseSeveralArguments = (r: TokenReader, name: string): Expression => {
  const { upper } = parseScripts(r);
  expect(r, "(");
  const args = [isolated(r, () => r.rules.expression(r))];
  while (accept(r, ",")) args.push(isolated(r, () => r.rules.expression(r)));
  expect(r, ")");
  let value: Expression;
  if (name === "gcd" || name === "lcm") value = greatestCommonDivisor(name, args);
  else if (name === "max" || name === "min") value = args.length === 1 ? args[0]! : call(name, args);
  else return unbuildable(r);
  return upper === null ? value : pow(value, upper);
};

const parseRoot = (r: TokenReader): Expression => {
  let degree: Expression | null = null;
  if (accept(r, "[")) {
    degree = isolated(r, () => r.rules.expression(r));
    expect(r, "]");
  }
  const base = parseBraced(r);
  if (isMatrix(base)) return OPAQUE;
  return pow(base, degree === null ? number(HALF) : quotient(ONE_NODE, degree));
};

const parseBigOperator = (r: TokenReader, kind: "sum" | "product"): Expression => {
  let upper: Expression | null = null;
  if (accept(r, "^")) upper = parseScript(r);
  expect(r, "_");
  expect(r, "{");
  const variable = isolated(r, () => r.rules.expression(r));
  if (!accept(r, "=") && !accept(r, "==")) fail();
  const lower = isolated(r, () => r.rules.expression(r));
  expect(r, "}");
  if (upper === null) {
    expect(r, "^");
    upper = parseScript(r);
  }
  const body = deeper(r, () => r.rules.term(r, false));
  if (!isSymbol(variable)) return unbuildable(r);
  return { kind, body, variable, lower, upper, direction: 1 };
};

const parseLimit = (r: TokenReader): Expression => {
  expect(r, "_");
  expect(r, "{");
  const type = r.types[r.at]!;
  const text = r.tokens.texts[r.at]!;
  if (type !== "letter" && type !== "greek" && type !== "other") fail();
  r.at++;
  expect(r, "to");
  const approached = attempt(r, 12, () => {
    const value = r.rules.expression(r);
    return r.types[r.at] === "}" || r.types[r.at] === "^" ? value : fail();
  });
  if (approached === undefined) fail();
  let direction: 1 | -1 = 1;
  if (accept(r, "^")) {
    expect(r, "{");
    if (accept(r, "-")) direction = -1;
    else expect(r, "+");
    expect(r, "}");
  }
  expect(r, "}");
  const body = deeper(r, () => r.rules.term(r, false));
  const variable: Expression = type === "letter" ? symbol(text, r.real) : symbolFor(text, r.real, false);
  if (!isSymbol(variable)) return unbuildable(r);
  return { kind: "limit", body: body, variable, lower: approached!, upper: null, direction };
};

const parseIntegral = (r: TokenReader): Expression => {
  const bounds = parseBounds(r);
  const withDifferential = attempt(r, 13, () => {
    r.differentialEnds = true;
    let body: Expression = ONE_NODE;
    if (r.types[r.at] !== "differential") body = deeper(r, () => r.rules.sumOfTerms(r));
    r.differentialEnds = false;
    const name = differentialName(expect(r, "differential"));
    return { body, variable: symbol(name, r.real) as SymbolNode };
  });
  const { body, variable } = withDifferential ?? parseLooseIntegrand(r);
  return { kind: "integral", body, variable, lower: bounds.lower, upper: bounds.upper, direction: 1 };
};

const parseBounds = (r: TokenReader): { lower: Expression | null; upper: Expression | null } => {
  const empty = (): boolean => (r.types[r.at] === "_" || r.types[r.at] === "^") && r.types[r.at + 1] === "{" && r.types[r.at + 2] === "}";
  if (empty()) {
    r.at += 3;
    if (!empty()) fail();
    r.at += 3;
    return { lower: null, upper: null };
  }
  if (r.types[r.at] === "_" && NAMES.has(r.types[r.at + 1]!) && r.types[r.at + 2] === "^") {
    // The power in `\int_a^b` is the upper bound, not one of a.
    const lower = symbolFor(r.tokens.texts[r.at + 1]!, r.real);
    r.at += 3;
    return { lower, upper: parseScript(r) };
  }
  const { lower, upper } = parseScripts(r);
  if ((lower === null) !== (upper === null)) fail();
  return { lower, upper };
};

/** `\int \frac{dx}{x}`: the differential is a factor somewhere inside; without one the variable is x. */
const parseLooseIntegrand = (r: TokenReader): { body: Expression; variable: SymbolNode } => {
  const body = deeper(r, () => r.rules.sumOfTerms(r));
  const differential = findDifferential(body);
  const variable: SymbolNode = symbol(differential === null ? "x" : differential.name.slice(1), r.real);
  return { body: differential === null ? body : substitute(body, differential, ONE_NODE), variable };
};

/** `f(x)`, `f(x, y)`, `f[x]`: a name before brackets that hold one atom, or a list. */
export const parseApplication = (r: TokenReader): Expression | undefined => {
  let after = r.at + 1;
  if (r.types[after] === "_" || r.types[after] === "^") after = -1;
  else if (!opensArguments(r, after)) return undefined;
  return attempt(r, 14, () => {
    const start = r.at;
    r.at++;
    if (accept(r, "_")) skipSubscript(r);
    const name = r.tokens.texts.slice(start, r.at).join("");
    const exponent = accept(r, "^") ? parseScript(r) : null;
    if (!opensArguments(r, r.at)) fail();
    const inBraces = accept(r, "{");
    const closer = r.types[r.at++] === "(" ? ")" : "]";
    const args = isolated(r, () => parseApplied(r, closer));
    expect(r, closer);
    if (inBraces) expect(r, "}");
    const value: Expression = { kind: "call", name, args };
    return exponent === null ? value : pow(value, exponent);
  });
};

const opensArguments = (r: TokenReader, at: number): boolean => {
  const type = r.types[at];
  if (type === "(" || type === "[") return true;
  return type === "{" && (r.types[at + 1] === "(" || r.types[at + 1] === "[");
};

const parseApplied = (r: TokenReader, closer: string): Expression[] => {
  if (ATOMS.has(r.types[r.at]!)) {
    const atom = attempt(r, 15, () => {
      const value = parseAtom(r);
      return r.types[r.at] === closer ? value : fail();
    });
    if (atom !== undefined) return [atom];
  }
  const args = [r.rules.expression(r)];
  if (r.types[r.at] !== ",") fail();
  while (accept(r, ",")) {
    if (r.types[r.at] === closer) break;
    args.push(r.rules.expression(r));
  }
  return args;
};

export const parseBraced = (r: TokenReader): Expression => {
  expect(r, "{");
  const value = isolated(r, () => r.rules.expression(r));
  expect(r, "}");
  return value;
};

const findDifferential = (x: Expression): SymbolNode | null => {
  if (isSymbol(x)) return x.name.length > 1 && x.name.startsWith("d") ? x : null;
  const parts: readonly Expression[] = isPow(x) ? [x.base, x.exponent] : isAdd(x) || isMul(x) || isFunction(x) ? x.args : [];
  for (const part of parts) {
    const found = findDifferential(part);
    if (found !== null) return found;
  }
  return null;
};
