/**
 * Plain arithmetic as Python reads it (`**`, `//`, unary signs, parentheses), unevaluated, after SymPy's `parse_expr(evaluate=False)`. A
 * number before a parenthesis is a call in Python and so no arithmetic; nor are `×`, `÷` and numbers with leading zeros.
 */
import { spend } from "./budget";
import { type Expression, MINUS_ONE, call, negative, number, pow, product, sumOf, productOf } from "./expression";
import { accept, attempt, countWrap, deeper, expect, fail, peek, readTokens, take } from "./latex-parser/token-reader";
import { parseDecimal } from "./rational";

/** The reader stops at 80 levels, Python goes on for some more. */
const FIRST_LEVEL = -20;

/** The expression, or null when Python would not accept it. */
export const parsePython = (source: string): Expression | null => {
  spend(source.length);
  const types: string[] = source.replaceAll("^", "**").match(/\d+\.?\d*|\.\d+|\*\*|\/\/|\S/g) ?? [];
  return readTokens(
    { types, texts: types, starts: [], source },
    () =>
      attempt(0, () => {
        const value = parseSum();
        return peek() === undefined ? value : fail();
      }),
    FIRST_LEVEL,
  );
};

const parseSum = (): Expression => {
  const terms = [parseProduct()];
  for (;;) {
    if (accept("+")) terms.push(parseProduct());
    else if (accept("-")) terms.push(product(MINUS_ONE, parseProduct()));
    else return terms.length > 1 ? sumOf(terms) : terms[0]!;
  }
};

const parseProduct = (): Expression => {
  let left = parseUnary();
  for (;;) {
    const operator = peek();
    if (!/^(\*|\/\/?)$/.test(operator)) return left;
    take();
    countWrap();
    const right = parseUnary();
    if (operator === "*") left = product(left, right);
    else {
      const ratio = productOf([left, pow(right, MINUS_ONE)]);
      left = operator === "/" ? ratio : call("floor", [ratio]);
    }
  }
};

const parseUnary = (): Expression => {
  spend(2);
  if (accept("+")) return deeper(parseUnary);
  if (accept("-")) return negative(deeper(parseUnary));
  const base = parseNumber();
  return accept("**") ? pow(base, deeper(parseUnary)) : base;
};

const parseNumber = (): Expression => {
  if (accept("(")) {
    const value = deeper(parseSum);
    expect(")");
    return value;
  }
  const digits = take();
  // Python has no integers with a leading zero, except 0 itself.
  const value = /\d/.test(digits) && !/^0+[1-9]\d*$/.test(digits) && parseDecimal(digits);
  return value ? number(value, digits.includes(".")) : fail();
};
