/**
 * LaTeX into tokens, longest match first, as the grammar of latex2sympy2_extended 1.11 defines them. Two consequences
 * that surprise: a command needs no word boundary (`\pix` is `\pi x`, `\cdots` is `\cdot s`), and plain words that name
 * matrix functions (`tr`, `gcd`, `rank`, ..) are tokens of their own, so a bare word that contains one does not parse.
 */
import type { Budget } from "../budget";
import type { Tokens } from "../token-reader";
import { GREEK } from "./symbols";

/**
 * Tokens that are not typed by their own text. A line is a type and its spellings: commands without their backslash,
 * U+22xx by its last two digits (`14` is ∔), anything else as it is.
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

/** The text of a spelling. */
function spelled(spelling: string): string {
  if (/^[\dA-F]{2}$/.test(spelling)) return String.fromCharCode(parseInt(`22${spelling}`, 16));
  return /^[a-z]{2}/i.test(spelling) ? `\\${spelling}` : spelling;
}

const TYPES = new Map<string, string>(
  SPELLINGS.split("\n").flatMap((line) => {
    const [type = "", ...spellings] = line.split(" ");
    return spellings.map((spelling) => [spelled(spelling), type] as const);
  }),
);

/** A pattern of exactly these texts, the longest first. */
function anyOf(texts: Iterable<string>): string {
  return [...texts]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/\W/g, "\\$&"))
    .join("|");
}

const { raw } = String;
const BLANK = raw`[ \t\r\n]`;
const DIGITS = raw`(?:\d+(?:\.\d+)?|\.\d+)`;
/** A letter, digit or symbol command in the name of a `\variable`. */
const NAME_PART = raw`(?:\\[a-zA-Z]+(?![a-zA-Z]) ?|[a-zA-Z\d])`;
const SPACES = raw`[,:;!]|\$(?!\\infty)|(?:neg)?(?:thin|med|thick)space|q?quad|v(?:rule|center|box|skip|space)|hfil`;
const MATRIX_WORDS = [
  raw`arc?(?:sin|cos|tan)h|gcd|lcm|floor|ceil|eye|zeros|ones|cols|rows|diag(?:onalize)?|norm|rank|tr(?:ace)?`,
  raw`rref|[hv]stack|orth(?:o(?:gonal(?:ize)?)?)?|nullspace|eig(?:en(?:val(?:ue)?s|vect(?:or)?s)?)?|svd|SVD`,
  raw`[pbv]?matrix`,
].join("|");
const ACCENTS = [
  raw`acute|bar|over(?:line|rightarrow)|breve|(?:wide)?check|d?dot|grave|hat|(?:wide)?tilde|vec|bm|boldsymbol`,
  raw`text(?:it|bf|normal)?|mbox`,
  raw`math(?:b[bf]|bin|cal|clap|close|ellipsis|frak|inner|it|normal|op|open|ord|punct|rel|ring|rlap|rm|scr|sf|sterling|tt)`,
].join("|");
const OTHER_SYMBOLS = [
  raw`Bbbk|wp|nabla|bigstar|(?:measured|spherical)?angle|nexists|diag(?:down|up)|eth`,
  raw`(?:club|diamond|heart|spade)suit|varnothing|Diamond|complement|[ij]math|Finv|triangledown`,
  raw`(?:var|black)?triangle|Game|ell|hbar|hslash|(?:black)?(?:lozenge|square)|mho|sharp|(?:back)?prime|Im|flat`,
  raw`Re|natural|surd|circledS`,
].join("|");
const FUNCTION_NAMES = raw`log|ln|exp|(?:arc?)?(?:sin|cos|tan)h|(?:arc)?(?:sin|cos|tan|csc|sec|cot)|floor|ceil|det`;
const COMMANDS = [
  raw`[lr](?:group|brac[ek]|vert|floor|ceil|angle)|[lu][lr]corner|vert|phantom|boxed|lim|to|int?|sum|prod|sqrt`,
  raw`frac|binom|choose|mod|operatorname|xrightarrow|approx|partial|cup|cap|setminus|pm|emptyset|notin`,
].join("|");

/** One kind of token: what it looks like, and its type; null if it is not a token. */
interface TokenKind {
  readonly pattern: string;
  readonly type: string | ((text: string) => string | null);
}

const itself = (text: string): string => text;

/**
 * In this order, longest first where two begin alike. A type that `TYPES` has for the text goes before that of the
 * kind.
 */
const KINDS: readonly TokenKind[] = [
  { pattern: raw`(?:${BLANK}|\\(?:${SPACES}))+`, type: "skip" },
  { pattern: raw`${DIGITS}E[-+−∸]?\d+`, type: "scientific" },
  { pattern: raw`${DIGITS}${BLANK}?\\?%`, type: "percent" },
  { pattern: DIGITS, type: "number" },
  { pattern: MATRIX_WORDS, type: (text) => `word:${text}` },
  { pattern: raw`d${BLANK}*(?:\\[a-zA-Z]+|[a-zA-Z])`, type: "differential" },
  { pattern: raw`[a-zA-Z]`, type: "letter" },
  { pattern: raw`\\mathbb\{[NZQRCP]\}`, type: (text) => `set${text.at(-2)}` },
  // Without its closing brace an accent is no token.
  {
    pattern: raw`\\(?:${ACCENTS})${BLANK}?\{[^}]*\}?`,
    type: (text) => (text.endsWith("}") ? "accent" : null),
  },
  { pattern: raw`(?:${anyOf(GREEK.keys())}) ?`, type: "greek" },
  { pattern: raw`(?:\\(?:${OTHER_SYMBOLS})|[ℵ-ℸ]) ?`, type: "other" },
  { pattern: raw`\\begin\{[pb]?matrix\}`, type: "beginMatrix" },
  { pattern: raw`\\end\{[pb]?matrix\}`, type: "endMatrix" },
  { pattern: raw`\\begin\{array\}\{[clr]*\}`, type: "beginArray" },
  {
    pattern: raw`\\variable\{${NAME_PART}+(?:_(?:\{(?:${NAME_PART}|,)+\}|${NAME_PART}))?\}(?:\\?%)?`,
    type: "variable",
  },
  { pattern: anyOf(TYPES.keys()), type: itself },
  { pattern: raw`\\(?:${FUNCTION_NAMES})`, type: "fn" },
  { pattern: raw`\\(?:${COMMANDS})`, type: (text) => text.slice(1) },
  { pattern: raw`[=!<>]=|[-+*/=<>!(){}[\]|&_^;,.]|\\[{}()\\]`, type: itself },
];

/** One group per kind. */
const TOKEN = new RegExp(KINDS.map(({ pattern }) => `(${pattern})`).join("|"), "y");

/**
 * Tokens of a LaTeX string, or null if a character belongs to no token.
 *
 * @throws BudgetError
 */
export function tokenize(budget: Budget, source: string): Tokens | null {
  const types: string[] = [];
  const texts: string[] = [];
  const starts: number[] = [];
  budget.spend(source.length);
  let end = (TOKEN.lastIndex = 0);
  while (end < source.length) {
    const match = TOKEN.exec(source);
    if (!match) return null;
    const [text] = match;
    const type = TYPES.get(text) ?? typeOf(match);
    if (type === null) return null;
    if (type !== "skip") {
      types.push(type);
      texts.push(text);
      starts.push(end);
    }
    end = TOKEN.lastIndex;
  }
  types.push("eof");
  texts.push("");
  starts.push(end);
  return { types, texts, starts, source };
}

/** By the kind whose group matched. */
function typeOf(match: RegExpExecArray): string | null {
  let group = 1;
  while (match[group] === undefined) group++;
  const { type } = KINDS[group - 1]!;
  return typeof type === "string" ? type : type(match[0]);
}
