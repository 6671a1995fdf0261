/**
 * LaTeX → expression by recursive descent, after the grammar and the conversions of latex2sympy2_extended 1.11 (the parser
 * below Math-Verify 0.9). What an ANTLR parser decides by looking ahead without bound is decided here by trying the
 * alternatives in the grammar's order and going back. Deviations: nesting is limited to 80 levels (the reference dies of its own
 * recursion limit near there), row transforms (`\xrightarrow`) are not read, and inside `|..|` the next bar closes.
 */
import type { Budget } from "../budget";
import {
  type Expression,
  EMPTY_SET,
  IMAGINARY,
  INFINITY,
  ONE_NODE,
  OPAQUE,
  PERCENT,
  type RelationNode,
  type RelationOperator,
  type SymbolNode,
  call,
  finiteSet,
  integerNode,
  isIntegerNode,
  isSet,
  negative,
  number,
  pow,
  product,
  quotient,
  sum,
} from "../expression";
import { HALF, add, integer, parseDecimal, subtract } from "../rational";
import { onlySymbols } from "../structure";
import { type Tokens, tokenize } from "./lexer";
import { addMatrices, determinant, makeMatrix, multiplyWithMatrix } from "./matrices";
import { applyNamed, greatestCommonDivisor, operatorNames } from "./named-functions";
import { makeInterval } from "./intervals";
import { substitute } from "./substitution";
import { accentName, symbolFor } from "./symbols";

const MAX_DEPTH = 80;
/** Quotients, powers, factorials and unions that may wrap one another over a whole answer: they make a tree deep without brackets. */
const MAX_WRAPS = 600;
/** Thrown (as this one value) when an alternative does not fit; never leaves this file. */
const MISMATCH = Symbol("mismatch");

const COMMA_NUMBER = /^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/;
const ELEMENT_END = new Set([",", ";", ")", "]", "}", "\\)", "\\}", "eof"]);
const SET_OPENERS = new Set(["(", "\\(", "lgroup", "[", "lbrack", "{", "\\{", "boxed", "emptyset", "setN", "setZ", "setQ", "setR", "setC", "setP"]);
const INTERVAL_OPENERS = new Set(["[", "(", "\\(", "lbrack", "lgroup"]);
const INTERVAL_CLOSERS = new Set(["]", ")", "\\)", "rbrack", "rgroup"]);
const ATOMS = new Set(["letter", "greek", "other", "accent", "infinity", "partial", "number", "percent", "scientific", "E", "differential", "variable", "gammafn"]);
const NAMES = new Set(["letter", "greek", "other", "accent"]);
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
const FUNCTION_STARTS = new Set(["fn", "gammafn", "fnmulti", "operatorname", "int", "sqrt", "sum", "prod", "lim", "euler"]);
const OTHER_STARTS = new Set([...Object.keys(GROUPS), ...Object.keys(BRACKETS), "phantom", "boxed", "frac", "binom", "beginMatrix", "beginArray", "beginDeterminant"]);
const RELATIONS: Readonly<Record<string, RelationOperator>> = { "=": "=", "==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "!=": "!=" };
const SET_WORDS = new Set(["cup", "cap", "setminus", "subset", "supset", "in", "notin", "="]);

/**
 * Parses one LaTeX answer.
 *
 * @param source LaTeX, normalised
 * @param real whether symbols stand for real numbers
 * @returns null when the text does not parse
 * @throws BudgetError
 */
export function parseLatex(source: string, real: boolean, budget: Budget): Expression | null {
  const tokens = tokenize(source, budget);
  return tokens === null ? null : new LatexParser(tokens, real, budget).answer();
}

class LatexParser {
  #at = 0;
  #depth = 0;
  #wraps = 0;
  readonly #failed = new Set<number>();
  /** Set when the text parses but what it says cannot be built (a set in a sum): the whole answer then has no value. */
  #broken = false;
  /** How many `|`, `\vert` and `\|` are open: the next one then closes. */
  readonly #open: Record<string, number> = { "|": 0, vert: 0, norm: 0 };
  /** Inside an integral `dx` ends the integrand instead of being a factor. */
  #differentialEnds = false;
  readonly #types: readonly string[];
  readonly #chooses: boolean;

  readonly #tokens: Tokens;
  readonly #real: boolean;
  readonly #budget: Budget;

  constructor(tokens: Tokens, real: boolean, budget: Budget) {
    this.#tokens = tokens;
    this.#real = real;
    this.#budget = budget;
    this.#types = tokens.types;
    this.#chooses = tokens.types.includes("choose");
  }

  answer(): Expression | null {
    const types = this.#types;
    const start = types[0]!;
    if (start === "eof") return null;
    let result: Expression | undefined;
    const mayAssign = NAMES.has(start) || start === "(";
    if (mayAssign && (types.includes("=") || types.includes("in"))) result = this.#attempt(1, () => this.#assignment());
    result ??= this.#attempt(2, () => this.#end(this.#elements()));
    if (result === undefined && types.some((type) => SET_WORDS.has(type))) result = this.#attempt(3, () => this.#end(this.#setRelation()));
    return result === undefined || this.#broken ? null : result;
  }

  // Machinery

  /**
   * Tries an alternative and goes back when it does not fit. A failure is remembered by place, so that nested alternatives are not
   * tried again and again: without that, `f(f(f(..` costs 2^depth.
   */
  #attempt<T>(name: number, rule: () => T): T | undefined {
    const at = this.#at; const depth = this.#depth; const broken = this.#broken; const differentialEnds = this.#differentialEnds;
    const { "|": bar, vert, norm } = this.#open;
    const flags = (differentialEnds ? 1 : 0) + (bar! > 0 ? 2 : 0) + (vert! > 0 ? 4 : 0) + (norm! > 0 ? 8 : 0);
    const key = (at * 16 + flags) * 16 + name;
    if (this.#failed.has(key)) return undefined;
    this.#budget.spend(4);
    try {
      return rule();
    } catch (error) {
      if (error !== MISMATCH) throw error;
      this.#failed.add(key);
      this.#at = at;
      this.#depth = depth;
      this.#broken = broken;
      this.#differentialEnds = differentialEnds;
      this.#open["|"] = bar!;
      this.#open["vert"] = vert!;
      this.#open["norm"] = norm!;
      return undefined;
    }
  }

  #fail(): never {
    throw MISMATCH;
  }

  #end<T>(value: T): T {
    if (this.#types[this.#at] !== "eof") this.#fail();
    return value;
  }

  #next(type: string): boolean {
    if (this.#types[this.#at] !== type) return false;
    this.#at++;
    return true;
  }

  #expect(type: string): string {
    if (this.#types[this.#at] !== type) this.#fail();
    return this.#tokens.texts[this.#at++]!;
  }

  #bad(): Expression {
    this.#broken = true;
    return OPAQUE;
  }

  #deeper<T>(rule: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.#fail();
    const result = rule();
    this.#depth--;
    return result;
  }

  /** Counts a node that wraps the tree read so far. */
  #wrap(): void {
    if (++this.#wraps > MAX_WRAPS) this.#fail();
  }

  // Lists of elements: `a = 1, 2`, `1, 2; 3, 4`, `a = 1, b = 2`

  #assignment(): Expression {
    const left = this.#nameList();
    if (!this.#next("=") && !this.#next("in")) this.#fail();
    const right = setOrTuple(this.#semicolons(true));
    this.#end(null);
    return { kind: "relation", operator: "=", left, right };
  }

  #nameList(): Expression {
    if (!this.#next("(")) return this.#name();
    const names = [this.#name()];
    while (this.#next(",")) names.push(this.#name());
    this.#expect(")");
    return names.length === 1 ? names[0]! : { kind: "tuple", items: names };
  }

  #elements(): Expression {
    const lists = this.#semicolons(false);
    if (lists.some((list) => list.length > 1) && this.#types[this.#at] === "eof" && COMMA_NUMBER.test(this.#tokens.source)) {
      const digits = this.#tokens.source.replace(/[, \s]/g, "");
      const value = parseDecimal(digits, this.#budget.bits);
      if (value !== null) return number(value, digits.includes("."));
    }
    return setOrTuple(lists);
  }

  #semicolons(noRelations: boolean): Expression[][] {
    const lists = [this.#commas(noRelations)];
    while (this.#next(";")) lists.push(this.#commas(noRelations));
    return lists;
  }

  #commas(noRelations: boolean): Expression[] {
    const items = this.#element(noRelations);
    while (this.#next(",")) items.push(...this.#element(noRelations));
    return items;
  }

  #element(noRelation: boolean): Expression[] {
    this.#budget.spend(2);
    if (this.#next("pm")) {
      const value = this.#expression();
      return [negative(value), value];
    }
    if (SET_OPENERS.has(this.#types[this.#at]!)) {
      const set = this.#attempt(4, () => {
        const value = this.#setAtom();
        return ELEMENT_END.has(this.#types[this.#at]!) ? value : this.#fail();
      });
      if (set !== undefined) return [set];
    }
    const first = this.#expression();
    if (this.#next("pm")) {
      const second = this.#expression();
      return [sum(first, second), sum(first, negative(second))];
    }
    return [noRelation ? first : this.#relation(first)];
  }

  #relation(first: Expression): Expression {
    let left = first;
    for (;;) {
      const type = this.#types[this.#at]!;
      if (type === "approx") {
        this.#at++;
        this.#wrap();
        const right = this.#expression();
        if (onlySymbols(left)) left = right;
        continue;
      }
      if (type === "in") {
        this.#at++;
        this.#expression();
        left = this.#bad();
        continue;
      }
      const operator = RELATIONS[type];
      if (operator === undefined) return left;
      this.#at++;
      this.#wrap();
      left = chain(left, operator, this.#expression());
    }
  }

  // Sets: unions, intervals, tuples, finite sets

  #setRelation(): Expression {
    this.#budget.spend(2);
    const named = NAMES.has(this.#types[this.#at]!) || this.#types[this.#at] === "("
      ? this.#attempt(5, () => {
          const left = this.#nameList();
          const type = this.#types[this.#at]!;
          if (type !== "in" && type !== "notin" && type !== "=") this.#fail();
          this.#at++;
          const right = this.#deeper(() => this.#setRelation());
          return type === "notin" ? OPAQUE : ({ kind: "relation", operator: "=", left, right } as const);
        })
      : undefined;
    let left: Expression = named ?? this.#complement();
    while (this.#next("subset") || this.#next("supset")) {
      this.#complement();
      left = OPAQUE;
    }
    return left;
  }

  #complement(): Expression {
    let left = this.#union();
    while (this.#next("setminus")) left = this.#setOperation("complement", left, this.#union(), false);
    return left;
  }

  #union(): Expression {
    let left = this.#intersection();
    while (this.#next("cup")) left = this.#setOperation("union", left, this.#intersection(), true);
    return left;
  }

  #intersection(): Expression {
    let left = this.#setGroup();
    while (this.#next("cap")) left = this.#setOperation("intersection", left, this.#setGroup(), true);
    return left;
  }

  #setOperation(kind: "union" | "intersection" | "complement", left: Expression, right: Expression, tuples: boolean): Expression {
    this.#wrap();
    const a = tuples && left.kind === "tuple" ? finiteSet(left.items) : left;
    const b = tuples && right.kind === "tuple" ? finiteSet(right.items) : right;
    return isSet(a) && isSet(b) ? { kind, left: a, right: b } : this.#bad();
  }

  #setGroup(): Expression {
    if (this.#types[this.#at] === "(") {
      const group = this.#attempt(6, () => {
        this.#at++;
        const value = this.#deeper(() => this.#complement());
        this.#expect(")");
        return value;
      });
      if (group !== undefined) return group;
    }
    return this.#setAtom();
  }

  #setAtom(): Expression {
    this.#budget.spend(2);
    const type = this.#types[this.#at]!;
    if (type === "emptyset") {
      this.#at++;
      return EMPTY_SET;
    }
    if (type.length === 4 && type.startsWith("set")) {
      this.#at++;
      return type === "setP" ? this.#bad() : { kind: "namedSet", name: type.slice(3) as "N" };
    }
    return this.#deeper(() => {
      if (type === "{" && this.#types[this.#at + 1] === "}") {
        this.#at += 2;
        return EMPTY_SET;
      }
      if (INTERVAL_OPENERS.has(type)) {
        const interval = this.#attempt(7, () => this.#interval(type));
        if (interval !== undefined) return interval;
      }
      if (type === "(" || type === "\\(" || type === "[") return this.#orderedTuple(type);
      return this.#braceSet(type);
    });
  }

  #interval(opener: string): Expression {
    this.#at++;
    const start = this.#expression();
    this.#expect(",");
    const end = this.#expression();
    const closer = this.#types[this.#at++]!;
    if (!INTERVAL_CLOSERS.has(closer)) this.#fail();
    const leftOpen = opener !== "[" && opener !== "lbrack";
    const rightOpen = closer !== "]" && closer !== "rbrack";
    return makeInterval(start, end, leftOpen, rightOpen, this.#budget) ?? this.#bad();
  }

  #orderedTuple(opener: string): Expression {
    this.#at++;
    const lists = this.#semicolons(false);
    this.#expect(opener === "(" ? ")" : opener === "[" ? "]" : "\\)");
    if (lists.length === 1 && lists[0]!.length === 1) return lists[0]![0]!;
    return { kind: "tuple", items: lists.flat() };
  }

  #braceSet(opener: string): Expression {
    this.#at++;
    if (opener === "boxed") this.#expect("{");
    else if (opener !== "{" && opener !== "\\{") this.#fail();
    const lists = this.#semicolons(false);
    this.#expect(opener === "\\{" ? "\\}" : "}");
    return opener === "boxed" ? setOrTuple(lists) : finiteSet(lists.flat());
  }

  // Arithmetic

  #expression(): Expression {
    this.#budget.spend(2);
    return this.#deeper(() => this.#sumOfTerms());
  }

  #sumOfTerms(): Expression {
    let left = this.#term(false);
    let args: Expression[] | null = null;
    for (;;) {
      const type = this.#types[this.#at];
      if (type !== "+" && type !== "-") return left;
      this.#at++;
      const term = this.#term(false);
      const right = type === "-" ? this.#minus(term) : term;
      if (left.kind === "matrix" || right.kind === "matrix") {
        left = addMatrices(left, right) ?? this.#bad();
        args = null;
        continue;
      }
      // One growing list: a new sum for each term would cost the square of their number.
      if (args === null) left = { kind: "add", args: (args = left.kind === "add" ? [...left.args] : [left]) };
      if (right.kind === "add") args.push(...right.args);
      else args.push(right);
    }
  }

  #minus(x: Expression): Expression {
    return x.kind === "matrix" ? (multiplyWithMatrix(integerNode(-1), x) ?? this.#bad()) : negative(x);
  }

  #times(left: Expression, right: Expression): Expression {
    if (left.kind === "matrix" || right.kind === "matrix") return multiplyWithMatrix(left, right) ?? this.#bad();
    return product(left, right);
  }

  #over(left: Expression, right: Expression): Expression {
    if (right.kind === "matrix") return OPAQUE;
    if (left.kind === "matrix") return multiplyWithMatrix(left, pow(right, integerNode(-1))) ?? this.#bad();
    return quotient(left, right);
  }

  /** Products as written with a sign; in the argument of a function without parentheses, further functions end it. */
  #term(argument: boolean): Expression {
    let left = this.#unary(argument);
    let args: Expression[] | null = null;
    for (;;) {
      const type = this.#types[this.#at];
      if (type !== "*" && type !== "/" && type !== "mod") return left;
      this.#at++;
      const right = this.#unary(argument);
      if (type === "*" && left.kind !== "matrix" && right.kind !== "matrix") {
        if (args === null) left = { kind: "mul", args: (args = left.kind === "mul" ? [...left.args] : [left]) };
        if (right.kind === "mul") args.push(...right.args);
        else args.push(right);
        continue;
      }
      args = null;
      this.#wrap();
      if (type === "*") left = this.#times(left, right);
      else if (type === "/") left = this.#over(left, right);
      else left = right.kind === "matrix" ? this.#bad() : call("mod", [left, right]);
    }
  }

  #unary(argument: boolean): Expression {
    let negatives = 0;
    let signs = 0;
    for (;;) {
      const type = this.#types[this.#at];
      if (type === "-") negatives++;
      else if (type !== "+") break;
      this.#at++;
      if (++signs > MAX_DEPTH) this.#fail();
    }
    let value = this.#juxtaposed(argument);
    for (; negatives > 0; negatives--) value = this.#minus(value);
    return value;
  }

  /** Factors side by side. An integer before a positive number is a mixed number: `2\frac12`, and also `2 3` = 5. */
  #juxtaposed(argument: boolean): Expression {
    const factors = [this.#postfix(false)];
    while (this.#startsFactor(argument)) factors.push(this.#postfix(argument));
    let value = factors[factors.length - 1]!;
    if (value.kind === "opaque" && this.#derivativeOf !== null) return this.#bad();
    let reversed: Expression[] | null = null;
    for (let i = factors.length - 2; i >= 0; i--) {
      const left = factors[i]!;
      const mixed = left.kind === "number" && reversed === null && value.kind === "number";
      const special = mixed || left.kind === "matrix" || left.kind === "opaque" || (reversed === null && value.kind === "matrix");
      if (special) {
        value = this.#beside(left, reversed === null ? value : { kind: "mul", args: reversed.reverse() });
        reversed = null;
        continue;
      }
      reversed ??= value.kind === "mul" ? [...value.args].reverse() : [value];
      if (left.kind === "mul") reversed.push(...[...left.args].reverse());
      else reversed.push(left);
    }
    return reversed === null ? value : { kind: "mul", args: reversed.reverse() };
  }

  /** The variable of a bare `\frac{d}{dx}`, which then acts on what follows it. */
  #derivativeOf: { readonly marker: Expression; readonly variable: SymbolNode } | null = null;

  #beside(left: Expression, right: Expression): Expression {
    if (this.#derivativeOf !== null && left === this.#derivativeOf.marker) {
      const { variable } = this.#derivativeOf;
      this.#derivativeOf = null;
      return { kind: "derivative", body: right, variable, lower: null, upper: null, direction: 1 };
    }
    if (isIntegerNode(left) && left.kind === "number" && right.kind === "number" && !right.float && right.value.n > 0n) {
      return number(left.value.n < 0n ? subtract(left.value, right.value) : add(left.value, right.value));
    }
    return this.#times(left, right);
  }

  #startsFactor(argument: boolean): boolean {
    const type = this.#types[this.#at]!;
    if (type === "differential") return !this.#differentialEnds;
    if (ATOMS.has(type)) return true;
    if (type === "|" || type === "vert" || type === "norm") return this.#open[type] === 0;
    return OTHER_STARTS.has(type) || (!argument && FUNCTION_STARTS.has(type));
  }

  #postfix(argument: boolean): Expression {
    this.#budget.spend(2);
    let value = this.#power(argument);
    for (;;) {
      const type = this.#types[this.#at];
      if (type === "!") {
        this.#wrap();
        value = call("factorial", [value]);
      }
      else if (type === "transpose") {
        if (value.kind === "matrix") value = { kind: "matrix", rows: value.rows[0]!.map((_, j) => (value as typeof value & { kind: "matrix" }).rows.map((row) => row[j]!)) };
      } else if (type === "|" && this.#open["|"] === 0 && this.#evaluationFollows()) {
        this.#at++;
        value = this.#evaluatedAt(value);
        continue;
      } else if (type !== "degree") return value;
      this.#at++;
    }
  }

  #evaluationFollows(): boolean {
    const type = this.#types[this.#at + 1];
    return (type === "_" || type === "^") && this.#types[this.#at + 2] === "{";
  }

  /** `F |_{a}^{b}`: F at b minus F at a. */
  #evaluatedAt(value: Expression): Expression {
    const at: Record<string, Expression> = {};
    for (let i = 0; i < 2; i++) {
      const type = this.#types[this.#at]!;
      if ((type !== "_" && type !== "^") || this.#types[this.#at + 1] !== "{" || at[type] !== undefined) break;
      this.#at += 2;
      const place = this.#expression();
      at[type] = this.#next("=") || this.#next("==") ? substitute(value, place, this.#expression()) : value;
      this.#expect("}");
    }
    const upper = at["^"];
    const lower = at["_"];
    if (upper !== undefined && lower !== undefined) return sum(upper, product(lower, integerNode(-1)));
    return upper ?? lower ?? this.#fail();
  }

  #power(argument: boolean): Expression {
    let base = this.#component(argument);
    while (this.#next("^")) {
      this.#wrap();
      const exponent = this.#script();
      if (this.#next("_")) this.#skipSubscript();
      base = base.kind === "matrix" ? OPAQUE : pow(base, exponent);
    }
    return base;
  }

  /** What may follow `^`: an atom, or an expression in braces. */
  #script(): Expression {
    if (!this.#next("{")) return this.#atom();
    const value = this.#isolated(() => this.#expression());
    this.#expect("}");
    return value;
  }

  /** Runs a rule inside brackets: what the outer bars and differentials close does not reach in. */
  #isolated<T>(rule: () => T): T {
    const { "|": bar, vert, norm } = this.#open;
    const differentialEnds = this.#differentialEnds;
    this.#open["|"] = this.#open["vert"] = this.#open["norm"] = 0;
    this.#differentialEnds = false;
    const value = rule();
    this.#open["|"] = bar!;
    this.#open["vert"] = vert!;
    this.#open["norm"] = norm!;
    this.#differentialEnds = differentialEnds;
    return value;
  }

  #component(argument: boolean): Expression {
    const type = this.#types[this.#at]!;
    if (type === "{" && this.#chooses) {
      const choose = this.#attempt(8, () => this.#choose());
      if (choose !== undefined) return choose;
    }
    const closer = GROUPS[type];
    if (closer !== undefined) {
      this.#at++;
      const value = this.#isolated(() => this.#expression());
      this.#expect(closer);
      return value;
    }
    const bracket = BRACKETS[type];
    if (bracket !== undefined) return this.#bracketed(type, bracket[0], bracket[1]);
    if (FUNCTION_STARTS.has(type) && type !== "gammafn") return argument ? this.#fail() : this.#function();
    if (type === "gammafn" && !argument) {
      const gamma = this.#attempt(9, () => this.#function());
      if (gamma !== undefined) return gamma;
    }
    switch (type) {
      case "phantom":
      case "boxed": {
        this.#at++;
        this.#expect("{");
        const value = this.#isolated(() => this.#expression());
        this.#expect("}");
        return value;
      }
      case "langle":
        this.#at++;
        this.#isolated(() => this.#expression());
        this.#expect("rangle");
        return this.#bad();
      case "frac":
        return this.#fraction();
      case "binom": {
        this.#at++;
        const upper = this.#braced();
        return call("binomial", [upper, this.#braced()]);
      }
      case "beginMatrix":
      case "beginArray":
        return this.#matrix(type === "beginArray" ? "endArray" : "endMatrix");
      case "beginDeterminant": {
        const matrix = this.#matrix("endDeterminant");
        return determinant(matrix) ?? this.#bad();
      }
    }
    if (!argument && NAMES.has(type)) {
      const applied = this.#application();
      if (applied !== undefined) return applied;
    }
    return this.#atom();
  }

  #braced(): Expression {
    this.#expect("{");
    const value = this.#isolated(() => this.#expression());
    this.#expect("}");
    return value;
  }

  #choose(): Expression {
    this.#at++;
    const upper = this.#isolated(() => this.#expression());
    this.#expect("choose");
    const lower = this.#isolated(() => this.#expression());
    this.#expect("}");
    return call("binomial", [upper, lower]);
  }

  #bracketed(opener: string, closer: string, name: string): Expression {
    this.#at++;
    const value = this.#isolated(() => {
      if (this.#open[opener] !== undefined) this.#open[opener]++;
      return this.#expression();
    });
    this.#expect(closer);
    if (name !== "norm") return call(name, [value]);
    if (value.kind !== "matrix") return this.#bad();
    const squares = value.rows.flat().map((x) => pow(call("abs", [x]), integerNode(2)));
    return pow(squares.reduce<Expression>((total, square) => sum(total, square), integerNode(0)), number(HALF));
  }

  #matrix(closer: string): Expression {
    this.#at++;
    const rows: Expression[][] = [];
    do {
      if (rows.length > 0 && this.#types[this.#at] === closer) break;
      const row = [this.#isolated(() => this.#expression())];
      while (this.#next("&")) row.push(this.#isolated(() => this.#expression()));
      rows.push(row);
    } while (this.#next("\\\\"));
    this.#expect(closer);
    return makeMatrix(rows) ?? this.#bad();
  }

  /** A fraction, or a derivative: `\frac{d}{dx}`, `\frac{dy}{dx}`, `\frac{\partial}{\partial x}`. */
  #fraction(): Expression {
    this.#at++;
    const start = this.#at;
    const derivative = this.#attempt(10, () => this.#derivative());
    if (derivative !== undefined) return derivative;
    this.#at = start;
    const upper = this.#braced();
    const lower = this.#braced();
    return this.#over(upper, lower);
  }

  #derivative(): Expression {
    const types = this.#types; const tokens = this.#tokens;
    const start = this.#at;
    let close = start + 1;
    for (let level = 1; level > 0; close++) {
      const type = types[close]!;
      if (type === "eof") this.#fail();
      level += type === "{" ? 1 : type === "}" ? -1 : 0;
      this.#budget.spend(1);
    }
    const total = types[close] === "{" && types[close + 1] === "differential" && types[close + 2] === "}";
    const partial = types[close] === "{" && types[close + 1] === "partial" && types[close + 2] === "letter" && types[close + 3] === "}";
    if (types[start] !== "{" || (!total && !partial)) this.#fail();
    const text = tokens.texts[close + (partial ? 2 : 1)]!;
    const variable: SymbolNode = { kind: "symbol", name: partial ? text : differentialName(text), real: this.#real };
    const after = close + (partial ? 4 : 3);
    const bare = close - start === 3 && (partial ? types[start + 1] === "partial" : tokens.texts[start + 1] === "d");
    if (bare) {
      this.#at = after;
      const marker: Expression = { kind: "opaque" };
      this.#derivativeOf = { marker, variable };
      return marker;
    }
    const end = tokens.starts[close - 1]!;
    const upper = tokens.source.slice(tokens.starts[start + 1], end).trimEnd();
    const rest = partial ? (upper.startsWith("\\partial") ? upper.slice(8) : null) : upper.startsWith("d") ? upper.slice(1) : null;
    if (rest === null) this.#fail();
    const body = parseLatex(rest!, this.#real, this.#budget);
    if (body === null) return this.#broken_(after);
    this.#at = after;
    return { kind: "derivative", body, variable, lower: null, upper: null, direction: 1 };
  }

  #broken_(after: number): Expression {
    this.#at = after;
    return this.#bad();
  }

  // Functions

  #function(): Expression {
    const type = this.#types[this.#at]!;
    const text = this.#tokens.texts[this.#at]!;
    this.#at++;
    switch (type) {
      case "fn":
      case "gammafn":
        return this.#singleArgument(text.slice(1));
      case "fnmulti":
        return this.#severalArguments(text.slice(1));
      case "operatorname": {
        this.#expect("{");
        const word = this.#types[this.#at++]!;
        this.#expect("}");
        const name = word.startsWith("word:") ? word.slice(5) : this.#fail();
        const arity = operatorNames.get(name!);
        if (arity === undefined) this.#fail();
        return arity === "single" ? this.#singleArgument(name!) : this.#severalArguments(name!);
      }
      case "sqrt":
        return this.#root();
      case "sum":
      case "prod":
        return this.#bigOperator(type === "sum" ? "sum" : "product");
      case "lim":
        return this.#limit();
      case "int":
        return this.#integral();
      default:
        return this.#next("^") ? call("exp", [this.#script()]) : { kind: "constant", name: "e" };
    }
  }

  #scripts(): { lower: Expression | null; upper: Expression | null } {
    let lower: Expression | null = null;
    let upper: Expression | null = null;
    for (let i = 0; i < 2; i++) {
      if (upper === null && this.#next("^")) upper = this.#script();
      else if (lower === null && this.#next("_")) lower = this.#script();
    }
    return { lower, upper };
  }

  #singleArgument(name: string): Expression {
    const { lower, upper } = this.#scripts();
    const argument =
      this.#types[this.#at] === "("
        ? this.#attempt(11, () => {
            this.#at++;
            const value = this.#isolated(() => this.#expression());
            this.#expect(")");
            return value;
          })
        : undefined;
    const value = argument ?? this.#deeper(() => this.#term(true));
    const [applied, exponent] = applyNamed(name, value, lower, upper);
    if (applied === null) return this.#bad();
    return exponent === null ? applied : pow(applied, exponent);
  }

  #severalArguments(name: string): Expression {
    const { upper } = this.#scripts();
    this.#expect("(");
    const args = [this.#isolated(() => this.#expression())];
    while (this.#next(",")) args.push(this.#isolated(() => this.#expression()));
    this.#expect(")");
    let value: Expression;
    if (name === "gcd" || name === "lcm") value = greatestCommonDivisor(name, args, this.#budget);
    else if (name === "max" || name === "min") value = args.length === 1 ? args[0]! : call(name, args);
    else return this.#bad();
    return upper === null ? value : pow(value, upper);
  }

  #root(): Expression {
    let degree: Expression | null = null;
    if (this.#next("[")) {
      degree = this.#isolated(() => this.#expression());
      this.#expect("]");
    }
    const base = this.#braced();
    if (base.kind === "matrix") return OPAQUE;
    return pow(base, degree === null ? number(HALF) : quotient(ONE_NODE, degree));
  }

  #bigOperator(kind: "sum" | "product"): Expression {
    let upper: Expression | null = null;
    if (this.#next("^")) upper = this.#script();
    this.#expect("_");
    this.#expect("{");
    const variable = this.#isolated(() => this.#expression());
    if (!this.#next("=") && !this.#next("==")) this.#fail();
    const lower = this.#isolated(() => this.#expression());
    this.#expect("}");
    if (upper === null) {
      this.#expect("^");
      upper = this.#script();
    }
    const body = this.#deeper(() => this.#term(false));
    if (variable.kind !== "symbol") return this.#bad();
    return { kind, body, variable, lower, upper, direction: 1 };
  }

  #limit(): Expression {
    this.#expect("_");
    this.#expect("{");
    const type = this.#types[this.#at]!;
    const text = this.#tokens.texts[this.#at]!;
    if (type !== "letter" && type !== "greek" && type !== "other") this.#fail();
    this.#at++;
    this.#expect("to");
    const approached = this.#attempt(12, () => {
      const value = this.#expression();
      return this.#types[this.#at] === "}" || this.#types[this.#at] === "^" ? value : this.#fail();
    });
    if (approached === undefined) this.#fail();
    let direction: 1 | -1 = 1;
    if (this.#next("^")) {
      this.#expect("{");
      if (this.#next("-")) direction = -1;
      else this.#expect("+");
      this.#expect("}");
    }
    this.#expect("}");
    const body = this.#deeper(() => this.#term(false));
    const variable: Expression = type === "letter" ? { kind: "symbol", name: text, real: this.#real } : symbolFor(text, this.#real, false);
    if (variable.kind !== "symbol") return this.#bad();
    return { kind: "limit", body: body, variable, lower: approached!, upper: null, direction };
  }

  #integral(): Expression {
    const bounds = this.#bounds();
    const withDifferential = this.#attempt(13, () => {
      this.#differentialEnds = true;
      let body: Expression = ONE_NODE;
      if (this.#types[this.#at] !== "differential") body = this.#deeper(() => this.#sumOfTerms());
      this.#differentialEnds = false;
      const name = differentialName(this.#expect("differential"));
      return { body, variable: { kind: "symbol", name, real: this.#real } as SymbolNode };
    });
    const { body, variable } = withDifferential ?? this.#looseIntegrand();
    return { kind: "integral", body, variable, lower: bounds.lower, upper: bounds.upper, direction: 1 };
  }

  #bounds(): { lower: Expression | null; upper: Expression | null } {
    const empty = (): boolean => (this.#types[this.#at] === "_" || this.#types[this.#at] === "^") && this.#types[this.#at + 1] === "{" && this.#types[this.#at + 2] === "}";
    if (empty()) {
      this.#at += 3;
      if (!empty()) this.#fail();
      this.#at += 3;
      return { lower: null, upper: null };
    }
    const { lower, upper } = this.#scripts();
    if ((lower === null) !== (upper === null)) this.#fail();
    return { lower, upper };
  }

  /** `\int \frac{dx}{x}`: the differential is a factor somewhere inside; without one the variable is x. */
  #looseIntegrand(): { body: Expression; variable: SymbolNode } {
    const body = this.#deeper(() => this.#sumOfTerms());
    const differential = findDifferential(body);
    const variable: SymbolNode = { kind: "symbol", name: differential === null ? "x" : differential.name.slice(1), real: this.#real };
    return { body: differential === null ? body : substitute(body, differential, ONE_NODE), variable };
  }

  /** `f(x)`, `f(x, y)`, `f[x]`: a name before brackets that hold one atom, or a list. */
  #application(): Expression | undefined {
    let after = this.#at + 1;
    if (this.#types[after] === "_" || this.#types[after] === "^") after = -1;
    else if (!this.#opensArguments(after)) return undefined;
    return this.#attempt(14, () => {
      const start = this.#at;
      this.#at++;
      if (this.#next("_")) this.#skipSubscript();
      const name = this.#tokens.texts.slice(start, this.#at).join("");
      const exponent = this.#next("^") ? this.#script() : null;
      if (!this.#opensArguments(this.#at)) this.#fail();
      const inBraces = this.#next("{");
      const closer = this.#types[this.#at++] === "(" ? ")" : "]";
      const args = this.#isolated(() => this.#applied(closer));
      this.#expect(closer);
      if (inBraces) this.#expect("}");
      const value: Expression = { kind: "call", name, args };
      return exponent === null ? value : pow(value, exponent);
    });
  }

  #opensArguments(at: number): boolean {
    const type = this.#types[at];
    if (type === "(" || type === "[") return true;
    return type === "{" && (this.#types[at + 1] === "(" || this.#types[at + 1] === "[");
  }

  #applied(closer: string): Expression[] {
    if (ATOMS.has(this.#types[this.#at]!)) {
      const atom = this.#attempt(15, () => {
        const value = this.#atom();
        return this.#types[this.#at] === closer ? value : this.#fail();
      });
      if (atom !== undefined) return [atom];
    }
    const args = [this.#expression()];
    if (this.#types[this.#at] !== ",") this.#fail();
    while (this.#next(",")) {
      if (this.#types[this.#at] === closer) break;
      args.push(this.#expression());
    }
    return args;
  }

  // Atoms

  #atom(): Expression {
    const type = this.#types[this.#at]!;
    if (NAMES.has(type)) return this.#name();
    const text = this.#tokens.texts[this.#at]!;
    if (!ATOMS.has(type)) this.#fail();
    this.#at++;
    switch (type) {
      case "number":
        if (this.#next("_")) this.#skipSubscript();
        return this.#decimal(text, text.includes("."));
      case "scientific":
        return this.#decimal(text.replace(/[−∸]/g, "-"), true);
      case "percent": {
        const digits = /^[\d.]*/.exec(text)![0];
        return product(this.#decimal(digits, digits.includes(".")), PERCENT);
      }
      case "infinity":
        return INFINITY;
      case "E":
        return { kind: "symbol", name: "e", real: this.#real };
      case "differential":
        return { kind: "symbol", name: `d${differentialName(text)}`, real: this.#real };
      case "gammafn":
        return symbolFor(text, this.#real);
      case "variable": {
        const inner = text.slice(10, text.lastIndexOf("}"));
        const symbol: SymbolNode = { kind: "symbol", name: inner.toLowerCase(), real: this.#real };
        return text.endsWith("%") ? product(symbol, PERCENT) : symbol;
      }
      default:
        return this.#bad();
    }
  }

  #decimal(text: string, float: boolean): Expression {
    const value = float ? parseDecimal(text, this.#budget.bits) : this.#integerLiteral(text);
    return value === null ? this.#bad() : number(value, float);
  }

  #integerLiteral(text: string): ReturnType<typeof parseDecimal> {
    return text.length < 16 ? integer(Number(text)) : parseDecimal(text, this.#budget.bits);
  }

  /** A letter, Greek letter, symbol command or accented word, with subscript and superscript in either order. */
  #name(): Expression {
    const type = this.#types[this.#at]!;
    if (!NAMES.has(type)) this.#fail();
    const token = this.#tokens.texts[this.#at++]!;
    const written = type === "accent" ? accentName(token) : token;
    let exponent: Expression | null = null;
    let subscript = "";
    if (this.#types[this.#at] === "_") {
      subscript = this.#subscript();
      if (this.#next("^")) exponent = this.#script();
    } else if (this.#next("^")) {
      exponent = this.#script();
      if (this.#types[this.#at] === "_") subscript = this.#subscript();
    }
    // The reference drops the scripts of I, so that I^2 is I; kept for the sake of equal verdicts.
    if (type === "letter" && token === "I") return IMAGINARY;
    const symbol = symbolFor(written.trim() + subscript, this.#real);
    return exponent === null ? symbol : pow(symbol, exponent);
  }

  #subscript(): string {
    this.#at++;
    const start = this.#at;
    this.#skipSubscript();
    const braced = this.#types[start] === "{";
    const text = this.#tokens.texts.slice(braced ? start + 1 : start, braced ? this.#at - 1 : this.#at).join("").trim();
    return text.length > 1 ? `_{${text}}` : `_${text}`;
  }

  /** Reads over a subscript; its text is what counts, not its value. */
  #skipSubscript(): void {
    const broken = this.#broken;
    if (this.#next("{")) {
      this.#isolated(() => {
        this.#expression();
        while (this.#next(",")) this.#expression();
      });
      this.#expect("}");
    } else this.#atom();
    this.#broken = broken;
  }
}

function setOrTuple(lists: readonly (readonly Expression[])[]): Expression {
  if (lists.length === 1) return lists[0]!.length === 1 ? lists[0]![0]! : finiteSet(lists[0]!);
  if (lists.every((list) => list.length === 1)) return finiteSet(lists.map((list) => list[0]!));
  return finiteSet(lists.map((items) => ({ kind: "tuple", items })));
}

/** Extends a chain: `a < b` then `< c` adds `b < c`. */
function chain(left: Expression, operator: RelationOperator, right: Expression): Expression {
  const last: RelationNode | undefined = left.kind === "chain" ? left.items[left.items.length - 1] : left.kind === "relation" ? left : undefined;
  if (last === undefined) return { kind: "relation", operator, left, right };
  const link: RelationNode = { kind: "relation", operator, left: last.right, right };
  return { kind: "chain", items: left.kind === "chain" ? [...left.items, link] : [last, link] };
}

function differentialName(text: string): string {
  const name = text.slice(1).trimStart();
  return name.startsWith("\\") ? name.slice(1) : name;
}

function findDifferential(x: Expression): SymbolNode | null {
  if (x.kind === "symbol") return x.name.length > 1 && x.name.startsWith("d") ? x : null;
  const parts: readonly Expression[] = x.kind === "pow" ? [x.base, x.exponent] : x.kind === "add" || x.kind === "mul" || x.kind === "function" ? x.args : [];
  for (const part of parts) {
    const found = findDifferential(part);
    if (found !== null) return found;
  }
  return null;
}
