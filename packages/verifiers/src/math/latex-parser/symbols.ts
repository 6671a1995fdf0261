/**
 * Which commands and characters name a symbol, and the name it gets (latex2sympy2_extended 1.11: Greek letters by their English
 * name, everything lowercased, `\gamma` Euler's constant, `\pi` the number).
 */
import { type Expression, PI, symbol } from "../expression";

const GREEK_ROWS =
  "alpha α 391,beta β 392,gamma γ,Gamma Γ,delta δ,Delta Δ,epsilon ε 190,zeta ζ 396,eta η 397,theta θ 398,Theta Θ,vartheta ϑ," +
  "iota ι 399,kappa κ 39A,lambda λ,Lambda Λ,mu μ 39C,nu ν 39D,xi ξ,Xi Ξ,omicron ο 39F,pi π,Pi Π,varpi ϖ,rho ρ 3A1,varrho ϱ," +
  "sigma σ,Sigma Σ,varsigma ς,tau τ 3A4,upsilon υ,Upsilon Υ,phi φ,Phi Φ,chi χ 3A7,psi ψ,Psi Ψ,omega ω,Omega Ω";

/** Greek command or letter → its name. */
export const GREEK = new Map<string, string>();
for (const row of GREEK_ROWS.split(",")) {
  const [name = "", letter = "", code] = row.split(" ");
  GREEK.set(`\\${name}`, name);
  GREEK.set(letter, name);
  if (code !== undefined && name !== "theta") GREEK.set(`\\char000${code}`, name);
}
GREEK.set("\\varepsilon", "varepsilon").set("ϵ", "varepsilon").set("\\varphi", "varphi").set("ϕ", "varphi");

/** Commands that are symbols of their own. */
export const OTHER_SYMBOLS: readonly string[] = (
  "Bbbk wp nabla bigstar angle nexists diagdown measuredangle eth diagup sphericalangle clubsuit varnothing Diamond complement " +
  "diamondsuit imath Finv triangledown heartsuit jmath Game triangle spadesuit ell hbar vartriangle hslash blacklozenge lozenge " +
  "blacksquare mho blacktriangle sharp prime Im flat square backprime Re natural surd circledS"
).split(" ");

/** Commands that take one braced word and name a symbol with it. */
export const ACCENTS: readonly string[] = (
  "acute bar overline breve check widecheck dot ddot grave hat tilde widetilde vec overrightarrow bm boldsymbol text textit textbf " +
  "textnormal mathbb mathbin mathbf mathcal mathclap mathclose mathellipsis mathfrak mathinner mathit mathnormal mathop mathopen " +
  "mathord mathpunct mathrel mathring mathrlap mathrm mathscr mathsf mathsterling mathtt mbox"
).split(" ");

/** The symbol (or constant) a written name stands for. */
export const symbolFor = (written: string, real: boolean, lowercase = true): Expression => {
  const text = written.trim();
  let name = GREEK.get(text.includes('"') ? text.replaceAll('"', "") : text) ?? text;
  if (name.startsWith("\\")) name = name.slice(1);
  const constant = constantFor(name);
  if (constant !== null) return constant;
  if (lowercase) name = name.toLowerCase();
  return constantFor(name) ?? symbol(name, real);
};

const constantFor = (name: string): Expression | null => {
  if (name === "pi") return PI;
  return name === "gamma" || name === "Gamma" ? { kind: "constant", name: "EulerGamma" } : null;
};

/** The name an accented word has: text is the bare word, `\overline` and `\bar` are one accent, so are all of `\math..`. */
export const accentName = (token: string): string => {
  const open = token.indexOf("{");
  const accent = token.slice(1, open);
  const word = token.slice(open + 1, -1).replaceAll(" ", "");
  if (accent === "bar" || accent === "overline") return `bar{${word}}`;
  if (accent === "vec" || accent === "overrightarrow") return `vec{${word}}`;
  if (accent === "tilde" || accent === "widetilde") return `tilde{${word}}`;
  if (accent.includes("text") || accent.includes("mbox")) return word.replace(/[()]/g, "");
  return accent.includes("math") ? `math{${word}}` : `${accent}{${word}}`;
};
