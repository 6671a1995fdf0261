/**
 * Sums, products, powers and brackets: the arithmetic core of the grammar.
 */
import { spend } from "../budget";
import { call, type Expression, integerNode, isIntegerNode, negative, number, OPAQUE, pow, product, quotient, sum, type SymbolNode, isMatrix, isAdd, isMul, isOpaque, isNumber, sumOf, productOf, matrix, symbol } from "../expression";
import { add, HALF, subtract } from "../rational";
import { parseAtom, parseScript, skipSubscript } from "./atoms";
import { FUNCTION_STARTS, parseApplication, parseBraced, parseFunction } from "./functions";
import { binomialOf } from "./named-functions";
import { addMatrices, determinant, makeMatrix, multiplyWithMatrix } from "./matrices";
import { substitute } from "./substitution";
import { accept, ATOMS, attempt, countWrap, deeper, differentialName, expect, fail, isolated, NAMES, type TokenReader, unbuildable } from "./token-reader";

const GROUPS: Readonly<Record<string, string>> = { "(": ")", lgroup: "rgroup", "{": "}", "[": "]", "\\{": "\\}", lbrace: "rbrace", lbrack: "rbrack" };
const BRACKETS: Readonly<Record<string, readonly [string, string]>> = {
  norm: ["norm", "norm"],
  "|": ["|", "abs"],
  lvert: ["rvert", "abs"],
  vert: ["vert", "abs"],
  lfloor: ["rfloor", "floor"],
  llcorner: ["lrcorner", "floor"],
  lceil: ["rceil", "ceiling"],
  ulcorner: ["urcorner", "ceiling"],
};
const OTHER_STARTS = new Set([...Object.keys(GROUPS), ...Object.keys(BRACKETS), "phantom", "boxed", "frac", "binom", "beginMatrix", "beginArray", "beginDeterminant"]);
/** Unary signs in a row, at most. */
const MAX_SIGNS = 80;

export const parseExpression = (r: TokenReader): Expression => {
  spend(2);
  return deeper(r, () => parseSumOfTerms(r));
};

export const parseSumOfTerms = (r: TokenReader): Expression => {
  let left = parseTerm(r, false);
  let args: Expression[] | null = null;
  for (;;) {
    const type = r.types[r.at];
    if (type !== "+" && type !== "-") return left;
    r.at++;
    const term = parseTerm(r, false);
    const right = type === "-" ? negated(r, term) : term;
    if (isMatrix(left) || isMatrix(right)) {
      left = addMatrices(left, right) ?? unbuildable(r);
      args = null;
      continue;
    }
    // One growing list: a new sum for each term would cost the square of their number.
    if (args === null) left = sumOf((args = isAdd(left) ? [...left.args] : [left]));
    if (isAdd(right)) args.push(...right.args);
    else args.push(right);
  }
};

const negated = (r: TokenReader, x: Expression): Expression => isMatrix(x) ? (multiplyWithMatrix(integerNode(-1), x) ?? unbuildable(r)) : negative(x);

const multiplied = (r: TokenReader, left: Expression, right: Expression): Expression => {
  if (isMatrix(left) || isMatrix(right)) return multiplyWithMatrix(left, right) ?? unbuildable(r);
  return product(left, right);
};

const divided = (r: TokenReader, left: Expression, right: Expression): Expression => {
  if (isMatrix(right)) return OPAQUE;
  if (isMatrix(left)) return multiplyWithMatrix(left, pow(right, integerNode(-1))) ?? unbuildable(r);
  return quotient(left, right);
};

/** Products as written with a sign; in the argument of a function without parentheses, further functions end it. */
export const parseTerm = (r: TokenReader, argument: boolean): Expression => {
  let left = parseUnary(r, argument);
  let args: Expression[] | null = null;
  for (;;) {
    const type = r.types[r.at];
    if (type !== "*" && type !== "/" && type !== "mod") return left;
    r.at++;
    const right = parseUnary(r, argument);
    if (type === "*" && !isMatrix(left) && !isMatrix(right)) {
      if (args === null) left = productOf((args = isMul(left) ? [...left.args] : [left]));
      if (isMul(right)) args.push(...right.args);
      else args.push(right);
      continue;
    }
    args = null;
    countWrap(r);
    if (type === "*") left = multiplied(r, left, right);
    else if (type === "/") left = divided(r, left, right);
    else left = isMatrix(right) ? unbuildable(r) : call("mod", [left, right]);
  }
};

const parseUnary = (r: TokenReader, argument: boolean): Expression => {
  let negatives = 0;
  let signs = 0;
  for (;;) {
    const type = r.types[r.at];
    if (type === "-") negatives++;
    else if (type !== "+") break;
    r.at++;
    if (++signs > MAX_SIGNS) fail();
  }
  let value = parseJuxtaposed(r, argument);
  for (; negatives > 0; negatives--) value = negated(r, value);
  return value;
};

/** Factors side by side. An integer before a positive number is a mixed number: `2\frac12`, and also `2 3` = 5. */
const parseJuxtaposed = (r: TokenReader, argument: boolean): Expression => {
  const factors = [parsePostfix(r, false)];
  while (startsFactor(r, argument)) factors.push(parsePostfix(r, argument));
  let value = factors[factors.length - 1]!;
  if (isOpaque(value) && r.derivativeOf !== null) return unbuildable(r);
  let reversed: Expression[] | null = null;
  for (let i = factors.length - 2; i >= 0; i--) {
    const left = factors[i]!;
    const mixed = isNumber(left) && reversed === null && isNumber(value);
    const special = mixed || isMatrix(left) || isOpaque(left) || (reversed === null && isMatrix(value));
    if (special) {
      countWrap(r);
      value = besideEachOther(r, left, reversed === null ? value : productOf(reversed.reverse()));
      reversed = null;
      continue;
    }
    reversed ??= isMul(value) ? [...value.args].reverse() : [value];
    if (isMul(left)) reversed.push(...[...left.args].reverse());
    else reversed.push(left);
  }
  return reversed === null ? value : productOf(reversed.reverse());
};

const besideEachOther = (r: TokenReader, left: Expression, right: Expression): Expression => {
  if (r.derivativeOf !== null && left === r.derivativeOf.marker) {
    const { variable } = r.derivativeOf;
    r.derivativeOf = null;
    return { kind: "derivative", body: right, variable, lower: null, upper: null, direction: 1 };
  }
  if (isIntegerNode(left) && isNumber(left) && isNumber(right) && !right.float && right.value.n > 0n) {
    return number(left.value.n < 0n ? subtract(left.value, right.value) : add(left.value, right.value));
  }
  return multiplied(r, left, right);
};

const startsFactor = (r: TokenReader, argument: boolean): boolean => {
  const type = r.types[r.at]!;
  if (type === "differential") return !r.differentialEnds;
  if (ATOMS.has(type)) return true;
  if (type === "|" || type === "vert" || type === "norm") return r.open[type] === 0;
  return OTHER_STARTS.has(type) || (!argument && FUNCTION_STARTS.has(type));
};

const parsePostfix = (r: TokenReader, argument: boolean): Expression => {
  spend(2);
  let value = parsePower(r, argument);
  for (;;) {
    const type = r.types[r.at];
    if (type === "!") {
      countWrap(r);
      value = call("factorial", [value]);
    }
    else if (type === "transpose") {
      if (isMatrix(value)) value = matrix(value.rows[0]!.map((_, j) => (value as typeof value & { kind: "matrix" }).rows.map((row) => row[j]!)));
    } else if (type === "|" && r.open["|"] === 0 && evaluationFollows(r)) {
      r.at++;
      value = parseEvaluatedAt(r, value);
      continue;
    } else if (type !== "degree") return value;
    r.at++;
  }
};

const evaluationFollows = (r: TokenReader): boolean => {
  const type = r.types[r.at + 1];
  return (type === "_" || type === "^") && r.types[r.at + 2] === "{";
};

/** `F |_{a}^{b}`: F at b minus F at a. */
const parseEvaluatedAt = (r: TokenReader, value: Expression): Expression => {
  const at: Record<string, Expression> = {};
  for (let i = 0; i < 2; i++) {
    const type = r.types[r.at]!;
    if ((type !== "_" && type !== "^") || r.types[r.at + 1] !== "{" || at[type] !== undefined) break;
    r.at += 2;
    const place = parseExpression(r);
    at[type] = accept(r, "=") || accept(r, "==") ? substitute(value, place, parseExpression(r)) : value;
    expect(r, "}");
  }
  const upper = at["^"];
  const lower = at["_"];
  if (upper !== undefined && lower !== undefined) return sum(upper, product(lower, integerNode(-1)));
  return upper ?? lower ?? fail();
};

const parsePower = (r: TokenReader, argument: boolean): Expression => {
  let base = parseComponent(r, argument);
  while (accept(r, "^")) {
    countWrap(r);
    const exponent = parseScript(r);
    if (accept(r, "_")) skipSubscript(r);
    base = isMatrix(base) ? OPAQUE : pow(base, exponent);
  }
  return base;
};

const parseComponent = (r: TokenReader, argument: boolean): Expression => {
  const type = r.types[r.at]!;
  if (type === "{" && r.chooses) {
    const choose = attempt(r, 8, () => parseChoose(r));
    if (choose !== undefined) return choose;
  }
  const closer = GROUPS[type];
  if (closer !== undefined) {
    r.at++;
    const value = isolated(r, () => parseExpression(r));
    expect(r, closer);
    return value;
  }
  const bracket = BRACKETS[type];
  if (bracket !== undefined) return parseBracketed(r, type, bracket[0], bracket[1]);
  if (FUNCTION_STARTS.has(type) && type !== "gammafn") return argument ? fail() : parseFunction(r);
  if (type === "gammafn" && !argument) {
    const gamma = attempt(r, 9, () => parseFunction(r));
    if (gamma !== undefined) return gamma;
  }
  switch (type) {
    case "phantom":
    case "boxed": {
      r.at++;
      expect(r, "{");
      const value = isolated(r, () => parseExpression(r));
      expect(r, "}");
      return value;
    }
    case "langle":
      r.at++;
      isolated(r, () => parseExpression(r));
      expect(r, "rangle");
      return unbuildable(r);
    case "frac":
      return parseFraction(r);
    case "binom": {
      r.at++;
      const upper = parseBraced(r);
      return binomialOf(upper, parseBraced(r));
    }
    case "beginMatrix":
    case "beginArray":
      return parseMatrix(r, type === "beginArray" ? "endArray" : "endMatrix");
    case "beginDeterminant": {
      const matrix = parseMatrix(r, "endDeterminant");
      return determinant(matrix) ?? unbuildable(r);
    }
  }
  if (!argument && NAMES.has(type)) {
    const applied = parseApplication(r);
    if (applied !== undefined) return applied;
  }
  return parseAtom(r);
};

const parseChoose = (r: TokenReader): Expression => {
  r.at++;
  const upper = isolated(r, () => parseExpression(r));
  expect(r, "choose");
  const lower = isolated(r, () => parseExpression(r));
  expect(r, "}");
  return binomialOf(upper, lower);
};

const parseBracketed = (r: TokenReader, opener: string, closer: string, name: string): Expression => {
  r.at++;
  const value = isolated(r, () => {
    if (r.open[opener] !== undefined) r.open[opener]++;
    return parseExpression(r);
  });
  expect(r, closer);
  if (name !== "norm") return call(name, [value]);
  if (!isMatrix(value)) return unbuildable(r);
  const squares = value.rows.flat().map((x) => pow(call("abs", [x]), integerNode(2)));
  return pow(squares.reduce<Expression>((total, square) => sum(total, square), integerNode(0)), number(HALF));
};

const parseMatrix = (r: TokenReader, closer: string): Expression => {
  r.at++;
  const rows: Expression[][] = [];
  do {
    if (rows.length > 0 && r.types[r.at] === closer) break;
    const row = [isolated(r, () => parseExpression(r))];
    while (accept(r, "&")) row.push(isolated(r, () => parseExpression(r)));
    rows.push(row);
  } while (accept(r, "\\\\"));
  expect(r, closer);
  return makeMatrix(rows) ?? unbuildable(r);
};

/** A fraction, or a derivative: `\frac{d}{dx}`, `\frac{dy}{dx}`, `\frac{\partial}{\partial x}`. */
const parseFraction = (r: TokenReader): Expression => {
  r.at++;
  const start = r.at;
  const derivative = attempt(r, 10, () => parseDerivative(r));
  if (derivative !== undefined) return derivative;
  r.at = start;
  const upper = parseBraced(r);
  const lower = parseBraced(r);
  return divided(r, upper, lower);
};

const parseDerivative = (r: TokenReader): Expression => {
  const types = r.types; const tokens = r.tokens;
  const start = r.at;
  let close = start + 1;
  for (let level = 1; level > 0; close++) {
    const type = types[close]!;
    if (type === "eof") fail();
    level += type === "{" ? 1 : type === "}" ? -1 : 0;
    spend(1);
  }
  const total = types[close] === "{" && types[close + 1] === "differential" && types[close + 2] === "}";
  const partial = types[close] === "{" && types[close + 1] === "partial" && types[close + 2] === "letter" && types[close + 3] === "}";
  if (types[start] !== "{" || (!total && !partial)) fail();
  const text = tokens.texts[close + (partial ? 2 : 1)]!;
  const variable: SymbolNode = symbol(partial ? text : differentialName(text), r.real);
  const after = close + (partial ? 4 : 3);
  const bare = close - start === 3 && (partial ? types[start + 1] === "partial" : tokens.texts[start + 1] === "d");
  if (bare) {
    r.at = after;
    const marker: Expression = { kind: "opaque" };
    r.derivativeOf = { marker, variable };
    return marker;
  }
  const end = tokens.starts[close - 1]!;
  const upper = tokens.source.slice(tokens.starts[start + 1], end).trimEnd();
  const rest = partial ? (upper.startsWith("\\partial") ? upper.slice(8) : null) : upper.startsWith("d") ? upper.slice(1) : null;
  if (rest === null) fail();
  const body = r.rules.answer(rest!, r.real);
  r.at = after;
  if (body === null) return unbuildable(r);
  return { kind: "derivative", body, variable, lower: null, upper: null, direction: 1 };
};
