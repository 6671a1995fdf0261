/**
 * Sums, products, powers and brackets: the arithmetic core of the grammar.
 */
import {
  type Expression,
  MINUS_ONE,
  OPAQUE,
  type SymbolNode,
  binder,
  call,
  flatProduct,
  flatSum,
  integerNode,
  isIntegerNode,
  isMatrix,
  isNumber,
  isOpaque,
  matrix,
  negative,
  number,
  pow,
  product,
  quotient,
  sum,
  sumOf,
} from "../tree/expression";
import { charged, substitute } from "../tree/traversal";
import { add, subtract } from "../rational";
import { ATOMS, parseAtom, parseScript, skipSubscript } from "./atoms";
import { parseDerivative } from "./derivative";
import { FUNCTIONS, parseApplication, parseFunction, squareRoot } from "./functions";
import type { LatexReader } from "./latex-reader";
import { addMatrices, columnsOf, determinant, makeMatrix, multiply } from "./matrices";
import { binomialOf } from "./named-functions";

/** Unary signs in a row, at most. */
const MAX_SIGNS = 80;

export function parseSum(reader: LatexReader): Expression {
  const first = parseTerm(reader, false);
  if (!reader.is("+") && !reader.is("-")) return first;
  const terms = [first];
  for (;;) {
    if (reader.accept("+")) terms.push(parseTerm(reader, false));
    else if (reader.accept("-")) terms.push(negated(reader, parseTerm(reader, false)));
    else break;
  }
  // Matrices are worked out at once, pair by pair.
  return terms.some(isMatrix) ? terms.reduce((left, right) => addMatrices(reader, left, right)) : flatSum(terms);
}

/** Factors as one product: pair by pair if matrices are among them, as these are worked out at once. */
function combined(reader: LatexReader, factors: readonly Expression[]): Expression {
  if (!factors.some(isMatrix)) return flatProduct(factors);
  return factors.reduce((left, right) => multiplyInTurn(reader, left, right));
}

function multiplyInTurn(reader: LatexReader, left: Expression, right: Expression): Expression {
  reader.countWrap();
  return multiply(reader, left, right);
}

function negated(reader: LatexReader, x: Expression): Expression {
  return isMatrix(x) ? multiply(reader, MINUS_ONE, x) : negative(x);
}

function divided(reader: LatexReader, left: Expression, right: Expression): Expression {
  if (isMatrix(right)) return OPAQUE;
  return isMatrix(left) ? multiply(reader, left, pow(right, MINUS_ONE)) : quotient(left, right);
}

/** Products as written with a sign; in the argument of a function without parentheses, further functions end it. */
export function parseTerm(reader: LatexReader, isArgument: boolean): Expression {
  let left = parseUnary(reader, isArgument);
  for (;;) {
    if (reader.is("*")) {
      const factors = [left];
      while (reader.accept("*")) factors.push(parseUnary(reader, isArgument));
      left = combined(reader, factors);
    }
    const type = reader.peek();
    if (type !== "/" && type !== "mod") return left;
    reader.take();
    reader.countWrap();
    const right = parseUnary(reader, isArgument);
    if (type === "/") left = divided(reader, left, right);
    else left = isMatrix(right) ? reader.unbuildable() : call("mod", [left, right]);
  }
}

function parseUnary(reader: LatexReader, isArgument: boolean): Expression {
  let negatives = 0;
  for (let signs = 0; reader.is("-") || reader.is("+"); reader.take()) {
    if (reader.is("-")) negatives++;
    if (++signs > MAX_SIGNS) reader.fail();
  }
  let value = parseJuxtaposed(reader, isArgument);
  for (; negatives > 0; negatives--) value = negated(reader, value);
  return value;
}

/** Factors side by side. An integer before a positive number is a mixed number: `2\frac12`, and also `2 3` = 5. */
function parseJuxtaposed(reader: LatexReader, isArgument: boolean): Expression {
  const factors = [parsePostfix(reader, false)];
  while (startsFactor(reader, isArgument)) factors.push(parsePostfix(reader, isArgument));
  if (factors.length === 1) return bareDerivative(factors[0]!) ? reader.unbuildable() : factors[0]!;
  // From the right, as a bare derivative acts on all that follows it.
  let fromRight: Expression[] = [];
  for (const left of factors.reverse()) {
    const [rightmost] = fromRight;
    const variable = bareDerivative(left);
    if (variable) {
      reader.countWrap();
      const isActing = rightmost !== undefined && !isOpaque(rightmost);
      fromRight = [isActing ? binder("derivative", multiplyAll(reader, fromRight), variable) : reader.unbuildable()];
      continue;
    }
    const mixed = rightmost !== undefined && fromRight.length === 1 ? mixedNumber(left, rightmost) : undefined;
    if (mixed) {
      reader.countWrap();
      fromRight = [mixed];
    } else {
      fromRight.push(left);
    }
  }
  return multiplyAll(reader, fromRight);
}

/** The variable of a bare `\frac{d}{dx}`. */
function bareDerivative(x: Expression): SymbolNode | undefined {
  return isOpaque(x) ? x.variable : undefined;
}

/** An integer and a positive number behind it as one: -2 and 1/2 are -5/2. */
function mixedNumber(left: Expression, right: Expression): Expression | undefined {
  if (!isNumber(left) || !isIntegerNode(left) || !isNumber(right) || right.float || right.value.n <= 0n)
    return undefined;
  return number((left.value.n < 0n ? subtract : add)(left.value, right.value));
}

/** The product of factors that are given from right to left. */
function multiplyAll(reader: LatexReader, fromRight: readonly Expression[]): Expression {
  return fromRight.some(isMatrix)
    ? fromRight.reduce((right, left) => multiplyInTurn(reader, left, right))
    : flatProduct(fromRight.toReversed());
}

function startsFactor(reader: LatexReader, isArgument: boolean): boolean {
  if (reader.closes()) return false;
  const type = reader.peek();
  return type in ATOMS || (type in BRACKETS && type !== "langle") || (!isArgument && type in FUNCTIONS);
}

function parsePostfix(reader: LatexReader, isArgument: boolean): Expression {
  reader.budget.spend(2);
  let value = parsePower(reader, isArgument);
  for (;;) {
    if (reader.accept("!")) {
      reader.countWrap();
      value = call("factorial", [value]);
    } else if (reader.accept("transpose")) {
      if (isMatrix(value)) value = matrix(columnsOf(reader.budget, value.rows));
    } else if (reader.is("|") && !reader.closes() && reader.ahead(/^.[_^]\{/)) {
      value = parseEvaluatedAt(reader, value);
    } else if (!reader.accept("degree")) {
      return value;
    }
  }
}

/** `F |_{a}^{b}`: F at b minus F at a. */
function parseEvaluatedAt(reader: LatexReader, value: Expression): Expression {
  const { budget } = reader;
  const values: Record<string, Expression> = {};
  reader.take();
  while (reader.ahead(/^[_^]\{/) && !values[reader.peek()]) {
    const type = reader.peek();
    reader.take(2);
    const place = reader.expression();
    const hasValue = reader.accept("=") || reader.accept("==");
    values[type] = hasValue ? substitute(budget, value, place, reader.expression()) : value;
    reader.expect("}");
  }
  const { "^": upper, _: lower } = values;
  return charged(budget, upper && lower ? sum(upper, product(lower, MINUS_ONE)) : (upper ?? lower!));
}

function parsePower(reader: LatexReader, isArgument: boolean): Expression {
  let base = parseComponent(reader, isArgument);
  while (reader.accept("^")) {
    reader.countWrap();
    const exponent = parseScript(reader);
    if (reader.accept("_")) skipSubscript(reader);
    base = isMatrix(base) ? OPAQUE : pow(base, exponent);
  }
  return base;
}

function parseComponent(reader: LatexReader, isArgument: boolean): Expression {
  const type = reader.peek();
  const bracket = BRACKETS[type];
  const applied = isArgument ? undefined : parseApplied(reader, type);
  return applied ?? (bracket ? bracket(reader, type) : parseAtom(reader));
}

/** A function with its argument; undefined where none begins. */
function parseApplied(reader: LatexReader, type: string): Expression | undefined {
  // Γ is a function before an argument, and a letter elsewhere.
  if (type === "gammafn") return reader.attempt(parseFunction);
  return type in FUNCTIONS ? parseFunction(reader) : parseApplication(reader);
}

type ParseBracket = (reader: LatexReader, opener: string) => Expression;

const parseGroup: ParseBracket = (reader, opener) => reader.group(opener);

function parseWithin(name: string): ParseBracket {
  return (reader, opener) => call(name, [reader.group(opener)]);
}
const parseAbsolute = parseWithin("abs");
const parseFloor = parseWithin("floor");
const parseCeiling = parseWithin("ceiling");

const parseBox: ParseBracket = (reader) => {
  reader.take();
  return reader.braced();
};

const parseBraces: ParseBracket = (reader, opener) =>
  reader.enclosed(opener, () => {
    const upper = reader.expression();
    return reader.accept("choose") ? binomialOf(reader, upper, reader.expression()) : upper;
  });

const parseNorm: ParseBracket = (reader, opener) => {
  const value = reader.group(opener);
  if (!isMatrix(value)) return reader.unbuildable();
  const squares = value.rows.flat().map((x) => pow(call("abs", [x]), integerNode(2)));
  return squareRoot(sumOf([integerNode(0), ...squares]));
};

const parseAngle: ParseBracket = (reader, opener) => {
  reader.group(opener);
  return reader.unbuildable();
};

const parseFraction: ParseBracket = (reader) => {
  reader.take();
  const derivative = parseDerivative(reader);
  if (derivative) return derivative;
  const numerator = reader.braced();
  return divided(reader, numerator, reader.braced());
};

const parseBinomial: ParseBracket = (reader) => {
  reader.take();
  const upper = reader.braced();
  return binomialOf(reader, upper, reader.braced());
};

const parseMatrix: ParseBracket = (reader, opener) => {
  const row = (): Expression[] => reader.separated("&", () => reader.expression());
  return makeMatrix(
    reader,
    reader.enclosed(opener, (_, closer) => reader.separated("\\\\", row, closer)),
  );
};

/** What begins with a bracket, or with a command before brackets. */
const BRACKETS: Readonly<Record<string, ParseBracket>> = {
  "(": parseGroup,
  "[": parseGroup,
  "\\{": parseGroup,
  lgroup: parseGroup,
  lbrace: parseGroup,
  lbrack: parseGroup,
  "{": parseBraces,
  "|": parseAbsolute,
  lvert: parseAbsolute,
  vert: parseAbsolute,
  lfloor: parseFloor,
  llcorner: parseFloor,
  lceil: parseCeiling,
  ulcorner: parseCeiling,
  norm: parseNorm,
  langle: parseAngle,
  phantom: parseBox,
  boxed: parseBox,
  frac: parseFraction,
  binom: parseBinomial,
  beginMatrix: parseMatrix,
  beginArray: parseMatrix,
  beginDeterminant: (reader, opener) => determinant(reader, parseMatrix(reader, opener)),
};
