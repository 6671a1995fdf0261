/**
 * Numbers, names with their scripts, and the other single things of LaTeX.
 */
import { type Expression, IMAGINARY, INFINITY, integerNode, number, PERCENT, pow, product } from "../expression";
import { abs } from "../floats";
import { integer, parseDecimal } from "../rational";
import { accentName, symbolFor } from "./symbols";
import {
  accept,
  deeper,
  differentialName,
  enclosed,
  fail,
  is,
  named,
  parseBraced,
  parseExpression,
  peek,
  real,
  separated,
  take,
  textOf,
  unbuildable,
} from "./token-reader";

/** Of a number that is written out. */
const MOST_EXPONENT = 4000;

const decimalNode = (text: string, float = text.includes(".")): Expression => {
  const value = float || text.length > 15 ? parseDecimal(text) : integer(Number(text));
  return value ? number(value, float) : unbuildable();
};

/** What the name of a letter, Greek letter, symbol command or accented word stands for, with subscript and superscript in either order. */
const withScripts = (written: string): Expression => {
  let exponent = accept("^") && parseScript();
  const subscript = is("_") ? parseSubscript() : "";
  if (subscript && !exponent) exponent = accept("^") && parseScript();
  const name = symbolFor(written.trim() + subscript, real);
  return exponent ? pow(name, exponent) : name;
};

const parseSubscript = (): string => {
  take();
  const braced = is("{");
  const written = skipSubscript();
  const text = (braced ? written.slice(1, -1) : written).trim();
  return text.length > 1 ? `_{${text}}` : `_${text}`;
};

/** Reads over a subscript and gives its text. */
export const skipSubscript = (): string =>
  textOf(() => (is("{") ? enclosed("{", () => separated(",", parseExpression)) : deeper(parseAtom)));

/** What may follow `^`: an atom, or an expression in braces. */
export const parseScript = (): Expression => (is("{") ? parseBraced() : deeper(parseAtom));

/** Tokens that are an atom by themselves: what their text stands for. */
export const ATOMS: Readonly<Record<string, (text: string) => Expression>> = {
  number: (text) => {
    if (accept("_")) skipSubscript();
    return decimalNode(text);
  },
  scientific: (text) => {
    const [mantissa, exponent] = text.replace(/[^\dE.+]/, "-").split("E") as [string, string];
    // Too long to write out: 1E20000.
    return abs(Number(exponent)) > MOST_EXPONENT
      ? product(decimalNode(mantissa, true), pow(integerNode(10), decimalNode(exponent)))
      : decimalNode(`${mantissa}E${exponent}`, true);
  },
  percent: (text) => product(decimalNode(text.replace(/[^\d.]+/, "")), PERCENT),
  infinity: () => INFINITY,
  E: () => named("e"),
  differential: (text) => named(`d${differentialName(text)}`),
  gammafn: (text) => symbolFor(text, real),
  variable: (text) => {
    const name = named(text.slice(10, text.lastIndexOf("}")).toLowerCase());
    return text.endsWith("%") ? product(name, PERCENT) : name;
  },
  partial: unbuildable,
  letter: (text) => {
    const value = withScripts(text);
    // The reference drops the scripts of I, so that I^2 is I; kept for the sake of equal verdicts.
    return text === "I" ? IMAGINARY : value;
  },
  greek: withScripts,
  other: withScripts,
  accent: (text) => withScripts(accentName(text)),
};

export const parseAtom = (): Expression => (ATOMS[peek()] ?? fail)(take());
