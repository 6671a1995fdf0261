/**
 * Plain arithmetic as Python reads it (`**`, `//`, unary signs, parentheses), unevaluated, after SymPy's `parse_expr(evaluate=False)`. A
 * number before a parenthesis is a call in Python and so no arithmetic; nor are `×`, `÷` and numbers with leading zeros.
 */
import { spend } from "./budget";
import { type Expression, MINUS_ONE, call, negative, number, pow, product, sumOf, productOf } from "./expression";
import { parseDecimal } from "./rational";

const TOKEN = /\s*(?:(\d+\.?\d*|\.\d+)|(\*\*|\/\/|[-+*/()]))/y;
const MAX_DEPTH = 100;
/** Factors of all products together: each wraps the ones before it. */
const MAX_WRAPS = 600;

/** The expression, or null when Python would not accept it. */
export const parsePython = (source: string): Expression | null => {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const text = source.replaceAll("\n", " ").replaceAll("^", "**").trim();
  spend(text.length);
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) return null;
    const digits = match[1];
    if (digits !== undefined && /^0\d/.test(digits) && !/^0+(\.|$)/.test(digits) && !digits.includes(".")) return null;
    tokens.push(digits ?? match[2]!);
  }
  const reader = new PythonReader(tokens);
  const value = reader.sum(0);
  return value !== null && reader.done() ? value : null;
};

class PythonReader {
  #at = 0;
  #wraps = 0;

  readonly #tokens: readonly string[];

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  done(): boolean {
    return this.#at === this.#tokens.length;
  }

  sum(depth: number): Expression | null {
    const first = this.#product(depth);
    if (first === null) return null;
    const terms = [first];
    while (this.#tokens[this.#at] === "+" || this.#tokens[this.#at] === "-") {
      const minus = this.#tokens[this.#at++] === "-";
      const right = this.#product(depth);
      if (right === null) return null;
      terms.push(minus ? product(MINUS_ONE, right) : right);
    }
    return terms.length === 1 ? first : sumOf(terms);
  }

  #product(depth: number): Expression | null {
    let left = this.#unary(depth);
    while (left !== null) {
      const operator = this.#tokens[this.#at];
      if (operator !== "*" && operator !== "/" && operator !== "//") return left;
      this.#at++;
      const right = this.#unary(depth);
      if (right === null || ++this.#wraps > MAX_WRAPS) return null;
      if (operator === "*") left = product(left, right);
      else {
        const ratio: Expression = productOf([left, pow(right, MINUS_ONE)]);
        left = operator === "/" ? ratio : call("floor", [ratio]);
      }
    }
    return left;
  }

  #unary(depth: number): Expression | null {
    spend(2);
    if (depth > MAX_DEPTH) return null;
    const sign = this.#tokens[this.#at];
    if (sign === "+" || sign === "-") {
      this.#at++;
      const value = this.#unary(depth + 1);
      return value === null || sign === "+" ? value : negative(value);
    }
    return this.#power(depth);
  }

  #power(depth: number): Expression | null {
    const base = this.#atom(depth);
    if (base === null || this.#tokens[this.#at] !== "**") return base;
    this.#at++;
    const exponent = this.#unary(depth + 1);
    return exponent === null ? null : pow(base, exponent);
  }

  #atom(depth: number): Expression | null {
    const token = this.#tokens[this.#at++];
    if (token === undefined) return null;
    if (token === "(") {
      const value = this.sum(depth + 1);
      if (value === null || this.#tokens[this.#at++] !== ")") return null;
      return value;
    }
    if (!/^[\d.]/.test(token)) return null;
    const value = parseDecimal(token);
    return value === null ? null : number(value, token.includes("."));
  }
}
