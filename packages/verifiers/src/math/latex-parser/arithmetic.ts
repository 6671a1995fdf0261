/**
 * Sums, products, powers and brackets: the arithmetic core of the grammar.
 */
import { spend } from "../budget";
import {
  binder,
  call,
  charged,
  type Expression,
  flatProduct,
  flatSum,
  integerNode,
  isIntegerNode,
  MINUS_ONE,
  negative,
  number,
  OPAQUE,
  pow,
  quotient,
  sum,
  product,
  isMatrix,
  isOpaque,
  isNumber,
  sumOf,
  matrix,
} from "../expression";
import { add, subtract } from "../rational";
import { ATOMS, parseAtom, parseScript, skipSubscript } from "./atoms";
import { FUNCTIONS, parseApplication, parseFunction, squareRoot } from "./functions";
import { binomialOf } from "./named-functions";
import { addMatrices, columnsOf, determinant, makeMatrix, multiply } from "./matrices";
import { substitute } from "./substitution";
import {
  accept,
  ahead,
  attempt,
  closes,
  countWrap,
  differentialName,
  enclosed,
  expect,
  fail,
  is,
  named,
  parseBraced,
  parseExpression,
  parseNested,
  peek,
  separated,
  sourceBetween,
  take,
  unbuildable,
} from "./token-reader";

/** Unary signs in a row, at most. */
const MAX_SIGNS = 80;

export const parseSum = (): Expression => {
  const first = parseTerm(false);
  if (!is("+") && !is("-")) return first;
  const terms = [first];
  for (;;) {
    if (accept("+")) terms.push(parseTerm(false));
    else if (accept("-")) terms.push(negated(parseTerm(false)));
    else return combined(terms, addMatrices, flatSum);
  }
};

/** Terms or factors as one: pair by pair if matrices are among them, as these are worked out at once. */
const combined = (
  parts: Expression[],
  pair: (left: Expression, right: Expression) => Expression,
  all: (parts: Expression[]) => Expression,
): Expression => (parts.some(isMatrix) ? parts.reduce(pair) : all(parts));

const negated = (x: Expression): Expression => (isMatrix(x) ? multiply(MINUS_ONE, x) : negative(x));

const multiplyInTurn = (left: Expression, right: Expression): Expression => {
  countWrap();
  return multiply(left, right);
};

const divided = (left: Expression, right: Expression): Expression =>
  isMatrix(right) ? OPAQUE : isMatrix(left) ? multiply(left, pow(right, MINUS_ONE)) : quotient(left, right);

/** Products as written with a sign; in the argument of a function without parentheses, further functions end it. */
export const parseTerm = (argument: boolean): Expression => {
  let left = parseUnary(argument);
  for (;;) {
    if (is("*")) {
      const factors = [left];
      while (accept("*")) factors.push(parseUnary(argument));
      left = combined(factors, multiplyInTurn, flatProduct);
    }
    const type = peek();
    if (type !== "/" && type !== "mod") return left;
    take();
    countWrap();
    const right = parseUnary(argument);
    left = type === "/" ? divided(left, right) : isMatrix(right) ? unbuildable() : call("mod", [left, right]);
  }
};

const parseUnary = (argument: boolean): Expression => {
  let negatives = 0;
  let signs = 0;
  for (; is("-") || is("+"); take()) {
    if (is("-")) negatives++;
    if (++signs > MAX_SIGNS) fail();
  }
  let value = parseJuxtaposed(argument);
  while (negatives-- > 0) value = negated(value);
  return value;
};

/** Factors side by side. An integer before a positive number is a mixed number: `2\frac12`, and also `2 3` = 5. */
const parseJuxtaposed = (argument: boolean): Expression => {
  const first = parsePostfix(false);
  if (!startsFactor(argument)) return isOpaque(first) && first.variable ? unbuildable() : first;
  const factors = [first];
  do factors.push(parsePostfix(argument));
  while (startsFactor(argument));
  // From the right, as a bare derivative acts on all that follows it.
  let read: Expression[] = [];
  const joined = (): Expression =>
    combined(
      read,
      (right, left) => multiplyInTurn(left, right),
      () => flatProduct(read.reverse()),
    );
  for (const left of factors.reverse()) {
    const [right] = read;
    if (isOpaque(left) && left.variable) {
      countWrap();
      read = [right && !isOpaque(right) ? binder("derivative", joined(), left.variable) : unbuildable()];
    } else if (
      right &&
      read.length < 2 &&
      isNumber(left) &&
      isIntegerNode(left) &&
      isNumber(right) &&
      !right.float &&
      right.value.n > 0n
    ) {
      countWrap();
      read = [number((left.value.n < 0n ? subtract : add)(left.value, right.value))];
    } else read.push(left);
  }
  return joined();
};

const startsFactor = (argument: boolean): boolean => {
  const type = peek();
  return !closes() && (type in ATOMS || (type in BRACKETS && type !== "langle") || (!argument && type in FUNCTIONS));
};

const parsePostfix = (argument: boolean): Expression => {
  spend(2);
  let value = parsePower(argument);
  for (;;) {
    if (accept("!")) {
      countWrap();
      value = call("factorial", [value]);
    } else if (accept("transpose")) {
      if (isMatrix(value)) value = matrix(columnsOf(value.rows));
    } else if (is("|") && !closes() && ahead(/^.[_^]\{/)) value = parseEvaluatedAt(value);
    else if (!accept("degree")) return value;
  }
};

/** `F |_{a}^{b}`: F at b minus F at a. */
const parseEvaluatedAt = (value: Expression): Expression => {
  const values: Record<string, Expression> = {};
  take();
  while (ahead(/^[_^]\{/) && !values[peek()]) {
    const type = peek();
    take(2);
    const place = parseExpression();
    values[type] = accept("=") || accept("==") ? substitute(value, place, parseExpression()) : value;
    expect("}");
  }
  const { "^": upper, _: lower } = values;
  return charged(upper && lower ? sum(upper, product(lower, MINUS_ONE)) : (upper ?? lower!));
};

const parsePower = (argument: boolean): Expression => {
  let base = parseComponent(argument);
  while (accept("^")) {
    countWrap();
    const exponent = parseScript();
    if (accept("_")) skipSubscript();
    base = isMatrix(base) ? OPAQUE : pow(base, exponent);
  }
  return base;
};

const parseComponent = (argument: boolean): Expression => {
  const type = peek();
  const applied = argument
    ? undefined
    : is("gammafn")
      ? attempt(9, parseFunction)
      : type in FUNCTIONS
        ? parseFunction()
        : parseApplication();
  return applied ?? (BRACKETS[type] ?? parseAtom)(type);
};

const group = (opener: string): Expression => enclosed(opener, parseExpression);
const applied =
  (name: string) =>
  (opener: string): Expression =>
    call(name, [group(opener)]);
const absolute = applied("abs");
const floor = applied("floor");
const ceiling = applied("ceiling");

const parseBox = (): Expression => {
  take();
  return parseBraced();
};

const parseMatrix = (opener: string): Expression =>
  makeMatrix(enclosed(opener, (closer) => separated("\\\\", () => separated("&", parseExpression), closer)));

/** What begins with a bracket, or with a command before brackets. */
const BRACKETS: Readonly<Record<string, (opener: string) => Expression>> = {
  "(": group,
  "[": group,
  "\\{": group,
  lgroup: group,
  lbrace: group,
  lbrack: group,
  "{": (opener) =>
    enclosed(opener, () => {
      const upper = parseExpression();
      return accept("choose") ? binomialOf(upper, parseExpression()) : upper;
    }),
  "|": absolute,
  lvert: absolute,
  vert: absolute,
  lfloor: floor,
  llcorner: floor,
  lceil: ceiling,
  ulcorner: ceiling,
  norm: (opener) => {
    const value = group(opener);
    return isMatrix(value)
      ? squareRoot(sumOf([integerNode(0), ...value.rows.flat().map((x) => pow(call("abs", [x]), integerNode(2)))]))
      : unbuildable();
  },
  langle: (opener) => {
    group(opener);
    return unbuildable();
  },
  phantom: parseBox,
  boxed: parseBox,
  frac: () => {
    take();
    return parseDerivative() ?? divided(parseBraced(), parseBraced());
  },
  binom: () => {
    take();
    return binomialOf(parseBraced(), parseBraced());
  },
  beginMatrix: parseMatrix,
  beginArray: parseMatrix,
  beginDeterminant: (opener) => determinant(parseMatrix(opener)),
};

/** `\frac{d}{dx}`, `\frac{dy}{dx}`, `\frac{\partial}{\partial x}`; undefined for a fraction that is none of these. */
const parseDerivative = (): Expression | undefined => {
  let close = 0;
  let level = 0;
  do {
    const type = peek(close++);
    if (type === "eof") return undefined;
    level += type === "{" ? 1 : type === "}" ? -1 : 0;
    spend(1);
  } while (level > 0);
  const partial = ahead(/^\{partialletter/, close) && peek(close + 3) === "}";
  const sign = partial ? "\\partial" : "d";
  const upper = sourceBetween(1, close - 1);
  if (!is("{") || !upper.startsWith(sign) || !(partial || ahead(/^\{differential\}/, close))) return undefined;
  const bare = ahead(/^\{(letter|partial)\}/);
  const variable = named(differentialName(take(close + (partial ? 3 : 2))));
  take();
  if (bare) return { kind: "opaque", variable };
  // The text, not its tokens: without the `d`, other characters go together.
  const body = parseNested(upper.slice(sign.length));
  return body ? binder("derivative", body, variable) : unbuildable();
};
