/**
 * Plain arithmetic as Python reads it (`**`, `//`, unary signs, parentheses), unevaluated, after SymPy's
 * `parse_expr(evaluate=False)`. A number before a parenthesis is a call in Python and so no arithmetic; nor are `×`,
 * `÷` and numbers with leading zeros.
 */
import type { Budget } from "./budget";
import { parseDecimal } from "./decimal";
import { TokenReader } from "./token-reader";
import { type Expression, MINUS_ONE, call, negative, number, pow, product, productOf, sumOf } from "./tree/expression";

/** The reader stops at 80 levels, Python goes on for some more. */
const DEPTH = { levels: -20, wraps: 0 };

/**
 * The expression, or null when Python would not accept it.
 *
 * @throws BudgetError
 */
export function parsePython(budget: Budget, source: string): Expression | null {
  budget.spend(source.length);
  const types: string[] = source.replaceAll("^", "**").match(/\d+\.?\d*|\.\d+|\*\*|\/\/|\S/g) ?? [];
  return new TokenReader(budget, { types, texts: types, starts: [], source }, DEPTH).attempt(parseAll) ?? null;
}

function parseAll(reader: TokenReader): Expression {
  const value = parseSum(reader);
  return reader.peek() === undefined ? value : reader.fail();
}

function parseSum(reader: TokenReader): Expression {
  const terms = [parseProduct(reader)];
  for (;;) {
    if (reader.accept("+")) terms.push(parseProduct(reader));
    else if (reader.accept("-")) terms.push(product(MINUS_ONE, parseProduct(reader)));
    else return terms.length > 1 ? sumOf(terms) : terms[0]!;
  }
}

function parseProduct(reader: TokenReader): Expression {
  let left = parseUnary(reader);
  for (;;) {
    const operator = reader.peek();
    if (!/^(\*|\/\/?)$/.test(operator)) return left;
    reader.take();
    reader.countWrap();
    const right = parseUnary(reader);
    if (operator === "*") {
      left = product(left, right);
      continue;
    }
    const ratio = productOf([left, pow(right, MINUS_ONE)]);
    left = operator === "/" ? ratio : call("floor", [ratio]);
  }
}

function parseUnary(reader: TokenReader): Expression {
  reader.budget.spend(2);
  if (reader.accept("+")) return reader.deeper(parseUnary);
  if (reader.accept("-")) return negative(reader.deeper(parseUnary));
  const base = parseNumber(reader);
  return reader.accept("**") ? pow(base, reader.deeper(parseUnary)) : base;
}

function parseNumber(reader: TokenReader): Expression {
  if (reader.accept("(")) {
    const value = reader.deeper(parseSum);
    reader.expect(")");
    return value;
  }
  const digits = reader.take();
  // Python has no integers with a leading zero, except 0 itself.
  const isNumber = /\d/.test(digits) && !/^0+[1-9]\d*$/.test(digits);
  const value = isNumber ? parseDecimal(reader.budget, digits) : null;
  return value ? number(value, digits.includes(".")) : reader.fail();
}
