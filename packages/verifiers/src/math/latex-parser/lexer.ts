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
 * Tokens that are not typed by their own text. A line is a type and its spellings: commands without their backslash, U+22xx by its
 * last two digits (`14` is ∔), anything else as it is.
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
setN ℕ
setZ ℤ
setQ ℚ
setR ℝ
setC ℂ
setP ℙ
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
beginDeterminant begin{vmatrix}
endDeterminant end{vmatrix}
endArray end{array}
euler e exponentialE
E E`;

const TYPES = new Map<string, TokenType>();
for (const line of SPELLINGS.split("\n")) {
  const [type = "", ...spellings] = line.split(" ");
  for (const spelling of spellings) {
    const text = /^[\dA-F]{2}$/.test(spelling)
      ? String.fromCharCode(parseInt(`22${spelling}`, 16))
      : /^[a-z]{2}/i.test(spelling)
        ? `\\${spelling}`
        : spelling;
    TYPES.set(text, type);
  }
}

/** A pattern of exactly these texts, the longest first. */
const anyOf = (texts: Iterable<string>): string =>
  [...texts]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/\W/g, "\\$&"))
    .join("|");

/** A letter, digit or symbol command in the name of a `\variable`. */
const NAME_PART = String.raw`(?:\\[a-zA-Z]+(?![a-zA-Z]) ?|[a-zA-Z\d])`;
/**
 * Types of the groups of TOKEN, `#` for what the group matched: the last group that matched says which, unless TYPES knows the text.
 * An accent without its closing brace is no token.
 */
const GROUP_TYPES =
  ",skip,number,scientific,percent,word:#,differential,letter,set#,,accent,greek,other,beginMatrix,endMatrix,beginArray,variable,fn,#,#".split(
    ",",
  );
const TOKEN = new RegExp(
  String.raw`((?:[ \t\r\n]|\\(?:[,:;!]|\$(?!\\infty)|(?:neg)?(?:thin|med|thick)space|q?quad|v(?:rule|center|box|skip|space)|hfil))+)
(\d+(?:\.\d+)?|\.\d+)(?:(E[-+−∸]?\d+)|([ \t\r\n]?\\?%))?
(arc?(?:sin|cos|tan)h|gcd|lcm|floor|ceil|eye|zeros|ones|cols|rows|diag(?:onalize)?|norm|rank|tr(?:ace)?|rref|[hv]stack|orth(?:o(?:gonal(?:ize)?)?)?|nullspace|eig(?:en(?:val(?:ue)?s|vect(?:or)?s)?)?|svd|SVD|[pbv]?matrix)
(d[ \t\r\n]*(?:\\[a-zA-Z]+|[a-zA-Z]))
([a-zA-Z])
\\mathbb\{([NZQRCP])\}
(\\(?:acute|bar|over(?:line|rightarrow)|breve|(?:wide)?check|d?dot|grave|hat|(?:wide)?tilde|vec|bm|boldsymbol|text(?:it|bf|normal)?|mbox|math(?:b[bf]|bin|cal|clap|close|ellipsis|frak|inner|it|normal|op|open|ord|punct|rel|ring|rlap|rm|scr|sf|sterling|tt))[ \t\r\n]?\{[^}]*(\})?)
((?:${anyOf(GREEK.keys())}) ?)
((?:\\(?:Bbbk|wp|nabla|bigstar|(?:measured|spherical)?angle|nexists|diag(?:down|up)|eth|(?:club|diamond|heart|spade)suit|varnothing|Diamond|complement|[ij]math|Finv|triangledown|(?:var|black)?triangle|Game|ell|hbar|hslash|(?:black)?(?:lozenge|square)|mho|sharp|(?:back)?prime|Im|flat|Re|natural|surd|circledS)|[ℵ-ℸ]) ?)
(\\begin\{[pb]?matrix\})
(\\end\{[pb]?matrix\})
(\\begin\{array\}\{[clr]*\})
(\\variable\{${NAME_PART}+(?:_(?:\{(?:${NAME_PART}|,)+\}|${NAME_PART}))?\}(?:\\?%)?)
${anyOf(TYPES.keys())}
(\\(?:log|ln|exp|(?:arc?)?(?:sin|cos|tan)h|(?:arc)?(?:sin|cos|tan|csc|sec|cot)|floor|ceil|det))
\\([lr](?:group|brac[ek]|vert|floor|ceil|angle)|[lu][lr]corner|vert|phantom|boxed|lim|to|int?|sum|prod|sqrt|frac|binom|choose|mod|operatorname|xrightarrow|approx|partial|cup|cap|setminus|pm|emptyset|notin)
([=!<>]=|[-+*/=<>!(){}[\]|&_^;,.]|\\[{}()\\])`.replaceAll("\n", "|"),
  "y",
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
  let end = (TOKEN.lastIndex = 0);
  while (end < source.length) {
    const match = TOKEN.exec(source);
    if (!match) return null;
    const text = match[0];
    let group = match.length - 1;
    while (!match[group]) group--;
    const type = TYPES.get(text) ?? GROUP_TYPES[group]!.replace("#", match[group]!);
    if (type === "") return null;
    if (type !== "skip") push(type, text, end);
    end = TOKEN.lastIndex;
  }
  push("eof", "", end);
  return { types, texts, starts, source };
};
