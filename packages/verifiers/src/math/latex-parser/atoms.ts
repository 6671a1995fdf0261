/**
 * Numbers, names with their scripts, and the other single things of LaTeX.
 */
import { parseDecimal } from "../decimal";
import { integer } from "../rational";
import { type Expression, IMAGINARY, INFINITY, PERCENT, integerNode, number, pow, product } from "../tree/expression";
import { type LatexReader, differentialName } from "./latex-reader";
import { accentName, symbolFor } from "./symbols";

/** Of a number that is written out. */
const MOST_EXPONENT = 4000;
/** Digits of a whole number that is a double, too. */
const SHORT = 15;

function decimalNode(reader: LatexReader, text: string, isFloat = text.includes(".")): Expression {
  const value = isFloat || text.length > SHORT ? parseDecimal(reader.budget, text) : integer(Number(text));
  return value ? number(value, isFloat) : reader.unbuildable();
}

/**
 * What the name of a letter, Greek letter, symbol command or accented word stands for, with subscript and superscript
 * in either order.
 */
function withScripts(reader: LatexReader, written: string): Expression {
  let exponent = reader.accept("^") && parseScript(reader);
  const subscript = reader.is("_") ? parseSubscript(reader) : "";
  if (subscript && !exponent) exponent = reader.accept("^") && parseScript(reader);
  const name = symbolFor(written.trim() + subscript, reader.context.isReal);
  return exponent ? pow(name, exponent) : name;
}

function parseSubscript(reader: LatexReader): string {
  reader.take();
  const isBraced = reader.is("{");
  const written = skipSubscript(reader);
  const text = (isBraced ? written.slice(1, -1) : written).trim();
  return text.length > 1 ? `_{${text}}` : `_${text}`;
}

/** Reads over a subscript and gives its text. */
export function skipSubscript(reader: LatexReader): string {
  return reader.textOf(() =>
    reader.is("{")
      ? reader.enclosed("{", () => reader.separated(",", () => reader.expression()))
      : reader.deeper(parseAtom),
  );
}

/** What may follow `^`: an atom, or an expression in braces. */
export function parseScript(reader: LatexReader): Expression {
  return reader.is("{") ? reader.braced() : reader.deeper(parseAtom);
}

/** Tokens that are an atom by themselves: what their text stands for. */
export const ATOMS: Readonly<Record<string, (reader: LatexReader, text: string) => Expression>> = {
  number: (reader, text) => {
    if (reader.accept("_")) skipSubscript(reader);
    return decimalNode(reader, text);
  },
  scientific: (reader, text) => {
    const [mantissa, exponent] = text.replace(/[^\dE.+]/, "-").split("E") as [string, string];
    // Too long to write out: 1E20000.
    return Math.abs(Number(exponent)) > MOST_EXPONENT
      ? product(decimalNode(reader, mantissa, true), pow(integerNode(10), decimalNode(reader, exponent)))
      : decimalNode(reader, `${mantissa}E${exponent}`, true);
  },
  percent: (reader, text) => product(decimalNode(reader, text.replace(/[^\d.]+/, "")), PERCENT),
  infinity: () => INFINITY,
  E: (reader) => reader.named("e"),
  differential: (reader, text) => reader.named(`d${differentialName(text)}`),
  gammafn: (reader, text) => symbolFor(text, reader.context.isReal),
  variable: (reader, text) => {
    const name = reader.named(text.slice(10, text.lastIndexOf("}")).toLowerCase());
    return text.endsWith("%") ? product(name, PERCENT) : name;
  },
  partial: (reader) => reader.unbuildable(),
  letter: (reader, text) => {
    const value = withScripts(reader, text);
    // The reference drops the scripts of I, so that I^2 is I; kept for the sake of equal verdicts.
    return text === "I" ? IMAGINARY : value;
  },
  greek: withScripts,
  other: withScripts,
  accent: (reader, text) => withScripts(reader, accentName(text)),
};

export function parseAtom(reader: LatexReader): Expression {
  const parse = ATOMS[reader.peek()];
  return parse ? parse(reader, reader.take()) : reader.fail();
}
