/**
 * LaTeX into tokens, longest match first, as the grammar of latex2sympy2_extended 1.11 defines them. Two consequences that
 * surprise: a command needs no word boundary (`\pix` is `\pi x`, `\cdots` is `\cdot s`), and plain words that name matrix
 * functions (`tr`, `gcd`, `rank`, ..) are tokens of their own, so a bare word that contains one does not parse.
 */
import { spend } from "../budget";
import { GREEK } from "./symbols";

/** Token types are named by the character or role they stand for; "eof" ends the list. */
export type TokenType = string;

export interface Tokens {
  readonly types: TokenType[];
  readonly texts: string[];
  /** Offsets into the source, for the few rules that look at the text again. */
  readonly starts: number[];
  readonly source: string;
}

/**
 * Tokens of one spelling. A line is a type and its spellings: commands without their backslash, U+22xx by its last two digits
 * (`14` is ∔), anything else as it is.
 */
const SPELLINGS = String.raw`+ 14 95 9E
- 12 38
* times cdot × C5 C4 A1 17 C6 18 19 97 A0 C8 C9 CA
/ over div ÷ 15 :
= 61 63 5F 4E 4F 50 51 52 53 54 55 56 57
== equiv
approx ~= 48 4A 4B 43 45
< lt 6A 7A D6
<= leq le leqslant 64 66 72 7E
> gt 6B 7B D7
>= geq ge geqslant 65 67 73 7F
!= ne neq !== not\equiv 60 41 44 47 49 62
cup 2A
cap 29
setminus 16
pm mp ± 13
emptyset 05 \{\} lbrace\rbrace
supset supseteq 87
subset subseteq 86
notin 09
setN ℕ mathbb{N}
setZ ℤ mathbb{Z}
setQ ℚ mathbb{Q}
setR ℝ mathbb{R}
setC ℂ mathbb{C}
setP ℙ mathbb{P}
to rightarrow Rightarrow longrightarrow Longrightarrow
xrightarrow xRightarrow
exchange leftrightarrow Leftrightarrow <-> <=>
infinity infty infty% infty\% \$\infty
norm \|
transpose ' ^T ^{T} ^{\\top}
degree ^° ^{°} ^\circ ^{\circ} ^\circle ^{\circle} ^\degree ^{\degree}
frac dfrac tfrac cfrac
binom tbinom dbinom
fnmulti gcd lcm max min
gammafn Gamma gamma
fn log ln exp sin cos tan csc sec cot arcsin arccos arctan arccsc arcsec arccot sinh cosh tanh arsinh arcosh artanh arcsinh arccosh arctanh floor ceil det
beginMatrix begin{matrix} begin{pmatrix} begin{bmatrix}
endMatrix end{matrix} end{pmatrix} end{bmatrix}
beginDeterminant begin{vmatrix}
endDeterminant end{vmatrix}
endArray end{array}
euler e exponentialE
other Bbbk wp nabla bigstar angle nexists diagdown measuredangle eth diagup sphericalangle clubsuit varnothing Diamond complement diamondsuit imath Finv triangledown heartsuit jmath Game triangle spadesuit ell hbar vartriangle hslash blacklozenge lozenge blacksquare mho blacktriangle sharp prime Im flat square backprime Re natural surd circledS ℵ ℶ ℷ ℸ
 lgroup rgroup lbrace rbrace lbrack rbrack phantom boxed lvert rvert vert langle rangle lfloor rfloor llcorner lrcorner lceil rceil ulcorner urcorner lim to int sum prod sqrt frac binom choose mod operatorname xrightarrow in approx partial cup cap setminus pm emptyset notin
 + - * / = == != < <= > >= ! ( ) { } [ ] | & _ ^ ; , . E \{ \} \( \) \\`;

const TYPES = new Map<string, TokenType>();
for (const spelling of GREEK.keys()) TYPES.set(spelling, "greek").set(`${spelling} `, "greek");
for (const line of SPELLINGS.split("\n")) {
  const [type, ...spellings] = line.split(" ");
  for (const spelling of spellings) {
    const text = /^[\dA-F]{2}$/.test(spelling) ? String.fromCharCode(parseInt(`22${spelling}`, 16)) : /^[a-z]{2}/i.test(spelling) ? `\\${spelling}` : spelling;
    TYPES.set(text, type || spelling);
    if (type === "other") TYPES.set(`${text} `, type);
  }
}

/** A letter, digit or symbol command in the name of a `\variable`. */
const NAME_PART = /(?:\\[a-zA-Z]+(?![a-zA-Z]) ?|[a-zA-Z\d])/.source;
/** Types of the groups of TOKEN: the last one that matched says which. An accent without its closing brace is no token. */
const KINDS = ",skip,number,scientific,percent,word:,differential,letter,,accent,beginArray,variable".split(",");
const TOKEN = new RegExp(
  [
    /((?:[ \t\r\n]|\\(?:[,:;!]|\$(?!\\infty)|(?:neg)?(?:thin|med|thick)space|q?quad|v(?:rule|center|box|skip|space)|hfil))+)/.source,
    /(\d+(?:\.\d+)?|\.\d+)(?:(E[-+−∸]?\d+)|([ \t\r\n]?\\?%))?/.source,
    /(arc?(?:sin|cos|tan)h|gcd|lcm|floor|ceil|eye|zeros|ones|cols|rows|diag(?:onalize)?|norm|rank|tr(?:ace)?|rref|[hv]stack|ortho(?:gonal(?:ize)?)?|orth|nullspace|eig(?:en(?:val(?:ue)?s|vect(?:or)?s)?)?|svd|SVD|[pbv]?matrix)/.source,
    /(d[ \t\r\n]*(?:\\[a-zA-Z]+|[a-zA-Z]))|([a-zA-Z])/.source,
    /(\\(?:acute|bar|over(?:line|rightarrow)|breve|(?:wide)?check|d?dot|grave|hat|(?:wide)?tilde|vec|bm|boldsymbol|text(?:it|bf|normal)?|mbox|math(?:bb|bin|bf|cal|clap|close|ellipsis|frak|inner|it|normal|op|open|ord|punct|rel|ring|rlap|rm|scr|sf|sterling|tt))[ \t\r\n]?\{[^}]*(\})?)/.source,
    /(\\begin\{array\}\{[clr]*\})/.source,
    `(\\\\variable\\{${NAME_PART}+(?:_(?:\\{(?:${NAME_PART}|,)+\\}|${NAME_PART}))?\\}(?:\\\\?%)?)`,
    ...[...TYPES.keys()].sort((a, b) => b.length - a.length).map((text) => text.replace(/\W/g, "\\$&")),
  ].join("|"),
  "gy",
);

/** Tokens of a LaTeX string, or null when some character is none. */
export const tokenize = (source: string): Tokens | null => {
  const types: TokenType[] = [];
  const texts: string[] = [];
  const starts: number[] = [];
  const push = (type: TokenType, text: string, start: number): void => {
    types.push(type);
    texts.push(text);
    starts.push(start);
  };
  spend(source.length);
  let end = 0;
  for (const match of source.matchAll(TOKEN)) {
    const text = match[0];
    const kind = TYPES.get(text) ?? KINDS[match.findLastIndex(Boolean)];
    if (!kind) return null;
    if (kind !== "skip") push(kind === "word:" ? kind + text : kind, text, end);
    end += text.length;
  }
  if (end < source.length) return null;
  push("eof", "", end);
  return { types, texts, starts, source };
};
