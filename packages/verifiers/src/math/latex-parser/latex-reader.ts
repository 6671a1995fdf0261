/**
 * What the rules of the LaTeX grammar share beside the tokens: what symbols stand for, what may be worked out while
 * reading, and the rules that others call in a circle.
 */
import type { Calculator } from "../evaluation/calculator";
import { type Depth, TokenReader, type Tokens } from "../token-reader";
import { type Expression, OPAQUE, type SymbolNode, symbol } from "../tree/expression";

/** Rules at the top of the grammar that rules further down call again, inside brackets and arguments. */
export interface Grammar {
  readonly sum: (reader: LatexReader) => Expression;
  /** @param isArgument whether this is the argument of a function without parentheses, which a further function ends */
  readonly product: (reader: LatexReader, isArgument: boolean) => Expression;
  /** Reads an answer inside an answer. */
  readonly answer: (source: string, context: ReadingContext, depth: Depth) => Expression | null;
}

/** What is the same for all of an answer. */
export interface ReadingContext {
  readonly grammar: Grammar;
  readonly calculator: Calculator;
  /** Whether symbols stand for real numbers. */
  readonly isReal: boolean;
}

export class LatexReader extends TokenReader {
  readonly context: ReadingContext;

  constructor(context: ReadingContext, tokens: Tokens, depth?: Depth) {
    super(context.calculator.budget, tokens, depth);
    this.context = context;
  }

  expression(): Expression {
    this.budget.spend(2);
    return this.deeper(this.context.grammar.sum);
  }

  /** Factors side by side; see {@link Grammar}. */
  factors(isArgument: boolean): Expression {
    const { product } = this.context.grammar;
    return this.deeper((reader) => product(reader, isArgument));
  }

  /** An expression in brackets of a kind. */
  group(opener: string): Expression {
    return this.enclosed(opener, (reader) => reader.expression());
  }

  /** An expression in braces. */
  braced(): Expression {
    return this.group("{");
  }

  /** An answer inside this one. */
  nested(source: string): Expression | null {
    return this.context.grammar.answer(source, this.context, this.depth);
  }

  /** For what parses but has no value. */
  unbuildable(): Expression {
    this.markBroken();
    return OPAQUE;
  }

  /** Tokens that are names: letters, Greek letters, symbols, accented words. */
  isName(offset = 0): boolean {
    return /^(letter|greek|other|accent)$/.test(this.peek(offset));
  }

  /** A symbol of just this name. */
  named(name: string): SymbolNode {
    return symbol(name, this.context.isReal);
  }
}

/** The variable of `dx` or `d\theta`. */
export function differentialName(text: string): string {
  return text.replace(/^d\s*\\?(?=.)/, "");
}
