/**
 * Numbers, names with their scripts, and the other single things of LaTeX.
 */
import { type Expression, IMAGINARY, INFINITY, number, PERCENT, pow, product, symbol } from "../expression";
import { integer, parseDecimal } from "../rational";
import { accentName, symbolFor } from "./symbols";
import { accept, ATOMS, differentialName, expect, fail, isolated, NAMES, type TokenReader, unbuildable } from "./token-reader";

export const parseAtom = (r: TokenReader): Expression => {
  const type = r.types[r.at]!;
  if (NAMES.has(type)) return parseName(r);
  const text = r.tokens.texts[r.at]!;
  if (!ATOMS.has(type)) fail();
  r.at++;
  switch (type) {
    case "number":
      if (accept(r, "_")) skipSubscript(r);
      return decimalNode(r, text, text.includes("."));
    case "scientific":
      return decimalNode(r, text.replace(/[−∸]/g, "-"), true);
    case "percent": {
      const digits = /^[\d.]*/.exec(text)![0];
      return product(decimalNode(r, digits, digits.includes(".")), PERCENT);
    }
    case "infinity":
      return INFINITY;
    case "E":
      return symbol("e", r.real);
    case "differential":
      return symbol(`d${differentialName(text)}`, r.real);
    case "gammafn":
      return symbolFor(text, r.real);
    case "variable": {
      const inner = text.slice(10, text.lastIndexOf("}"));
      const named = symbol(inner.toLowerCase(), r.real);
      return text.endsWith("%") ? product(named, PERCENT) : named;
    }
    default:
      return unbuildable(r);
  }
};

const decimalNode = (r: TokenReader, text: string, float: boolean): Expression => {
  const value = float ? parseDecimal(text) : integerLiteral(r, text);
  return value === null ? unbuildable(r) : number(value, float);
};

const integerLiteral = (r: TokenReader, text: string): ReturnType<typeof parseDecimal> => text.length < 16 ? integer(Number(text)) : parseDecimal(text);

/** A letter, Greek letter, symbol command or accented word, with subscript and superscript in either order. */
export const parseName = (r: TokenReader): Expression => {
  const type = r.types[r.at]!;
  if (!NAMES.has(type)) fail();
  const token = r.tokens.texts[r.at++]!;
  const written = type === "accent" ? accentName(token) : token;
  let exponent: Expression | null = null;
  let subscript = "";
  if (r.types[r.at] === "_") {
    subscript = parseSubscript(r);
    if (accept(r, "^")) exponent = parseScript(r);
  } else if (accept(r, "^")) {
    exponent = parseScript(r);
    if (r.types[r.at] === "_") subscript = parseSubscript(r);
  }
  // The reference drops the scripts of I, so that I^2 is I; kept for the sake of equal verdicts.
  if (type === "letter" && token === "I") return IMAGINARY;
  const symbol = symbolFor(written.trim() + subscript, r.real);
  return exponent === null ? symbol : pow(symbol, exponent);
};

const parseSubscript = (r: TokenReader): string => {
  r.at++;
  const start = r.at;
  skipSubscript(r);
  const braced = r.types[start] === "{";
  const text = r.tokens.texts.slice(braced ? start + 1 : start, braced ? r.at - 1 : r.at).join("").trim();
  return text.length > 1 ? `_{${text}}` : `_${text}`;
};

/** Reads over a subscript; its text is what counts, not its value. */
export const skipSubscript = (r: TokenReader): void => {
  const broken = r.broken;
  if (accept(r, "{")) {
    isolated(r, () => {
      r.rules.expression(r);
      while (accept(r, ",")) r.rules.expression(r);
    });
    expect(r, "}");
  } else parseAtom(r);
  r.broken = broken;
};

/** What may follow `^`: an atom, or an expression in braces. */
export const parseScript = (r: TokenReader): Expression => {
  if (!accept(r, "{")) return parseAtom(r);
  const value = isolated(r, () => r.rules.expression(r));
  expect(r, "}");
  return value;
};
