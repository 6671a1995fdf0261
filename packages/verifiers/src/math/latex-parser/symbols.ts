/**
 * Which commands and characters name a symbol, and the name it gets (latex2sympy2_extended 1.11: Greek letters by their English
 * name, everything lowercased, `\gamma` Euler's constant, `\pi` the number).
 */
import { type Expression, PI, symbol } from "../tree/expression";

/** Greek letter, its command, and its code where it has no capital of its own → its name. */
export const GREEK = new Map<string, string>();
function define(name: string, letter: string): void {
  GREEK.set(`\\${name}`, name).set(letter, name);
}
// From α to ω; written with a capital where the grammar knows the capital letter as well.
"alpha beta Gamma Delta epsilon zeta eta Theta iota kappa Lambda mu nu Xi omicron Pi rho varsigma Sigma tau Upsilon Phi chi Psi Omega"
  .split(" ")
  .forEach((name, i) => {
    const letter = String.fromCharCode(945 + i);
    const lower = name.toLowerCase();
    define(lower, letter);
    if (lower !== name) define(name, letter.toUpperCase());
    else if (i !== 17)
      for (const quote of ["", '"'])
        GREEK.set(`\\char${quote}000${(i === 4 ? 400 : 913 + i).toString(16).toUpperCase()}`, name);
  });
for (const letter of "ϑϕϖϱϵ") define(`var${GREEK.get(letter.normalize("NFKC"))}`, letter);

/** The symbol (or constant) a written name stands for. */
export function symbolFor(written: string, real: boolean, lowercase = true): Expression {
  const text = written.trim();
  const named = GREEK.get(text) ?? text.replace(/^\\/, "");
  const name = lowercase ? named.toLowerCase() : named;
  return name === "pi" ? PI : /^gamma$/i.test(name) ? { kind: "constant", name: "EulerGamma" } : symbol(name, real);
}

const CANONICAL: Readonly<Record<string, string>> = { overline: "bar", overrightarrow: "vec", widetilde: "tilde" };

/** The name an accented word has: text is the bare word, `\overline` and `\bar` are one accent, so are all of `\math..`. */
export function accentName(token: string): string {
  const [, accent = "", inner = ""] = /^.([^{]*).([^]*)\}/.exec(token) ?? [];
  const word = inner.replaceAll(" ", "");
  return /text|mbox/.test(accent)
    ? word.replace(/[()]/g, "")
    : `${accent.includes("math") ? "math" : (CANONICAL[accent] ?? accent)}{${word}}`;
}
