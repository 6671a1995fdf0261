/**
 * Which commands and characters name a symbol, and the name it gets (latex2sympy2_extended 1.11: Greek letters by their
 * English name, everything lowercased, `\gamma` Euler's constant, `\pi` the number).
 */
import { type Expression, PI, constant, symbol } from "../tree/expression";

/** From α to ω; written with a capital where the grammar knows the capital letter as well. */
const NAMES =
  "alpha beta Gamma Delta epsilon zeta eta Theta iota kappa Lambda mu nu Xi omicron Pi rho varsigma Sigma tau Upsilon Phi chi Psi Omega";
const VARIANTS = "ϑϕϖϱϵ";
const ALPHA = 945;
const CAPITAL_ALPHA = 913;

/** Greek letter, its command, and its code where it has no capital of its own → its name. */
export const GREEK: ReadonlyMap<string, string> = greekLetters();

function greekLetters(): Map<string, string> {
  const letters = new Map<string, string>();
  const define = (name: string, letter: string): void => {
    letters.set(`\\${name}`, name).set(letter, name);
  };
  for (const [i, name] of NAMES.split(" ").entries()) {
    const letter = String.fromCharCode(ALPHA + i);
    const lower = name.toLowerCase();
    define(lower, letter);
    if (lower !== name) {
      define(name, letter.toUpperCase());
    } else if (name !== "varsigma") {
      // The code that the grammar has for Ε is that of Ɛ.
      const code = (name === "epsilon" ? 0x190 : CAPITAL_ALPHA + i).toString(16).toUpperCase();
      for (const quote of ["", '"']) letters.set(`\\char${quote}000${code}`, name);
    }
  }
  for (const letter of VARIANTS) define(`var${letters.get(letter.normalize("NFKC"))}`, letter);
  return letters;
}

/** The symbol (or constant) a written name stands for. */
export function symbolFor(written: string, real: boolean, lowercase = true): Expression {
  const text = written.trim();
  const named = GREEK.get(text) ?? text.replace(/^\\/, "");
  const name = lowercase ? named.toLowerCase() : named;
  if (name === "pi") return PI;
  return /^gamma$/i.test(name) ? constant("EulerGamma") : symbol(name, real);
}

const CANONICAL: Readonly<Record<string, string>> = { overline: "bar", overrightarrow: "vec", widetilde: "tilde" };

/**
 * The name an accented word has: text is the bare word, `\overline` and `\bar` are one accent, so are all of `\math..`.
 */
export function accentName(token: string): string {
  const [, accent = "", inner = ""] = /^.([^{]*).([^]*)\}/.exec(token) ?? [];
  const word = inner.replaceAll(" ", "");
  if (/text|mbox/.test(accent)) return word.replace(/[()]/g, "");
  return `${accent.includes("math") ? "math" : (CANONICAL[accent] ?? accent)}{${word}}`;
}
