/**
 * LaTeX into tokens, longest match first, as the grammar of latex2sympy2_extended 1.11 defines them. Two consequences that
 * surprise: a command needs no word boundary (`\pix` is `\pi x`, `\cdots` is `\cdot s`), and plain words that name matrix
 * functions (`tr`, `gcd`, `rank`, ..) are tokens of their own, so a bare word that contains one does not parse.
 */
import { min } from "../floats";
import { spend } from "../budget";
import { ACCENTS, GREEK, OTHER_SYMBOLS } from "./symbols";

/** Token types are named by the character or role they stand for; "eof" ends the list. */
export type TokenType = string;

export interface Tokens {
  readonly types: TokenType[];
  readonly texts: string[];
  /** Offsets into the source, for the few rules that look at the text again. */
  readonly starts: number[];
  readonly source: string;
}

const COMMANDS = new Map<string, TokenType>();
const define = (type: TokenType, names: string): void => {
  for (const name of names.split(" ")) COMMANDS.set(`\\${name}`, type);
};
define("skip", "thinspace medspace thickspace quad qquad negthinspace negmedspace negthickspace vrule vcenter vbox vskip vspace hfil");
define("/", "over div");
define("*", "times cdot");
define("lgroup", "lgroup");
define("rgroup", "rgroup");
define("lbrace", "lbrace");
define("rbrace", "rbrace");
define("lbrack", "lbrack");
define("rbrack", "rbrack");
define("phantom", "phantom");
define("boxed", "boxed");
define("lvert", "lvert");
define("rvert", "rvert");
define("vert", "vert");
define("langle", "langle");
define("rangle", "rangle");
define("lfloor", "lfloor");
define("rfloor", "rfloor");
define("llcorner", "llcorner");
define("lrcorner", "lrcorner");
define("lceil", "lceil");
define("rceil", "rceil");
define("ulcorner", "ulcorner");
define("urcorner", "urcorner");
define("lim", "lim");
define("to", "to rightarrow Rightarrow longrightarrow Longrightarrow");
define("int", "int");
define("sum", "sum");
define("prod", "prod");
define(
  "fn",
  "log ln exp sin cos tan csc sec cot arcsin arccos arctan arccsc arcsec arccot sinh cosh tanh arsinh arcosh artanh arcsinh " +
    "arccosh arctanh floor ceil det",
);
define("gammafn", "Gamma gamma");
define("fnmulti", "gcd lcm max min");
define("sqrt", "sqrt");
define("frac", "frac dfrac tfrac cfrac");
define("binom", "binom tbinom dbinom");
define("choose", "choose");
define("mod", "mod");
define("operatorname", "operatorname");
define("xrightarrow", "xrightarrow xRightarrow");
define("exchange", "leftrightarrow Leftrightarrow");
define("euler", "exponentialE");
define("in", "in");
define("==", "equiv");
define("approx", "approx");
define("<", "lt");
define("<=", "leq le leqslant");
define(">", "gt");
define(">=", "geq ge geqslant");
define("!=", "ne neq");
define("partial", "partial");
define("infinity", "infty");
define("cup", "cup");
define("cap", "cap");
define("setminus", "setminus");
define("pm", "pm mp");
define("emptyset", "emptyset");
define("supset", "supseteq");
define("subset", "subseteq");
define("notin", "notin");
for (const name of OTHER_SYMBOLS) COMMANDS.set(`\\${name}`, "other");
for (const name of GREEK.keys()) if (name.startsWith("\\") && !COMMANDS.has(name)) COMMANDS.set(name, "greek");
const ACCENT_COMMANDS = new Set(ACCENTS.map((name) => `\\${name}`));
const LONGEST_COMMAND = 18;

const LITERAL_SETS: Readonly<Record<string, string>> = { N: "N", Z: "Z", Q: "Q", R: "R", C: "C", P: "P" };

const CHARACTERS = new Map<string, TokenType>();
const characters = (type: TokenType, list: string): void => {
  for (const character of list) CHARACTERS.set(character, type);
};
characters("+", "+∔⊕⊞");
characters("-", "-−∸");
characters("*", "*×⋅⋄⊡∗⋆∘∙⊗⊠⋈⋉⋊");
characters("/", "/÷∕:");
for (const character of "(){}[]|&_^;,.") CHARACTERS.set(character, character);
characters("=", "=≡≣≟≎≏≐≑≒≓≔≕≖≗");
characters("approx", "≈≊≋≃≅");
characters("<", "<≪≺⋖");
characters("<=", "≤≦≲≾");
characters(">", ">≫≻⋗");
characters(">=", "≥≧≳≿");
characters("!=", "≠≁≄≇≉≢");
characters("cup", "∪");
characters("cap", "∩");
characters("setminus", "∖");
characters("pm", "±∓");
characters("emptyset", "∅");
characters("supset", "⊇");
characters("subset", "⊆");
characters("notin", "∉");
characters("other", "ℵℶℷℸ");
for (const [character, name] of Object.entries({ ℕ: "N", ℤ: "Z", ℚ: "Q", ℝ: "R", ℂ: "C", ℙ: "P" })) CHARACTERS.set(character, `set${name}`);
for (const letter of GREEK.keys()) if (!letter.startsWith("\\")) CHARACTERS.set(letter, "greek");

const WORDS = (
  "arsinh arcsinh arcosh arccosh artanh arctanh gcd lcm floor ceil eye zeros ones cols rows diag norm rank trace tr rref hstack vstack " +
  "orth ortho orthogonal orthogonalize nullspace eig eigen diagonalize eigenvals eigenvalues eigenvects eigenvectors svd SVD matrix " +
  "pmatrix bmatrix vmatrix"
).split(" ");
const WORDS_BY_LETTER = new Map<string, string[]>();
for (const word of [...WORDS].sort((a, b) => b.length - a.length)) {
  const first = word[0]!;
  WORDS_BY_LETTER.set(first, [...(WORDS_BY_LETTER.get(first) ?? []), word]);
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 13 || code === 10;

/** Tokens of a LaTeX string, or null when some character is none. */
export const tokenize = (source: string): Tokens | null => {
  const lexer = new Lexer(source);
  spend(source.length);
  return lexer.run();
};

class Lexer {
  readonly #types: TokenType[] = [];
  readonly #texts: string[] = [];
  readonly #starts: number[] = [];
  #at = 0;

  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Tokens | null {
    const source = this.#source;
    while (this.#at < source.length) {
      const code = source.charCodeAt(this.#at);
      if (isBlank(code)) {
        this.#at++;
        continue;
      }
      const ok = isDigit(code) || code === 46 ? this.#number(code) : code === 92 ? this.#command() : isLetter(code) ? this.#letters(code) : this.#character();
      if (!ok) return null;
    }
    this.#push("eof", source.length, source.length);
    return { types: this.#types, texts: this.#texts, starts: this.#starts, source };
  }

  #push(type: TokenType, start: number, end: number): true {
    this.#types.push(type);
    this.#texts.push(this.#source.slice(start, end));
    this.#starts.push(start);
    this.#at = end;
    return true;
  }

  /** DIGIT+ | DIGIT* . DIGIT+, then `E±digits` or a percent sign after at most one blank. */
  #number(first: number): boolean {
    const source = this.#source;
    const start = this.#at;
    let end = start;
    while (isDigit(source.charCodeAt(end))) end++;
    if (source.charCodeAt(end) === 46 && isDigit(source.charCodeAt(end + 1))) {
      end++;
      while (isDigit(source.charCodeAt(end))) end++;
    }
    if (end === start) return first === 46 && this.#push(".", start, start + 1);
    if (source[end] === "E") {
      let digits = end + 1;
      if (source[digits] === "+" || source[digits] === "-" || source[digits] === "−" || source[digits] === "∸") digits++;
      if (isDigit(source.charCodeAt(digits))) {
        while (isDigit(source.charCodeAt(digits))) digits++;
        return this.#push("scientific", start, digits);
      }
    }
    let sign = end;
    if (isBlank(source.charCodeAt(sign))) sign++;
    if (source[sign] === "%") return this.#push("percent", start, sign + 1);
    if (source[sign] === "\\" && source[sign + 1] === "%") return this.#push("percent", start, sign + 2);
    return this.#push("number", start, end);
  }

  #letters(code: number): boolean {
    const source = this.#source;
    const start = this.#at;
    const words = WORDS_BY_LETTER.get(source[start]!);
    const word = words?.find((candidate) => source.startsWith(candidate, start));
    if (code === 100) {
      let end = start + 1;
      while (isBlank(source.charCodeAt(end))) end++;
      const next = source.charCodeAt(end);
      let stop = -1;
      if (isLetter(next)) stop = end + 1;
      else if (next === 92 && isLetter(source.charCodeAt(end + 1))) {
        stop = end + 2;
        while (isLetter(source.charCodeAt(stop))) stop++;
      }
      if (stop > start + (word?.length ?? 0)) return this.#push("differential", start, stop);
    }
    if (word !== undefined) return this.#push(`word:${word}`, start, start + word.length);
    return this.#push(code === 101 ? "euler" : code === 69 ? "E" : "letter", start, start + 1);
  }

  #character(): boolean {
    const source = this.#source;
    const start = this.#at;
    const character = source[start]!;
    switch (character) {
      case "<":
        if (source.startsWith("<->", start) || source.startsWith("<=>", start)) return this.#push("exchange", start, start + 3);
        if (source[start + 1] === "=") return this.#push("<=", start, start + 2);
        break;
      case ">":
        if (source[start + 1] === "=") return this.#push(">=", start, start + 2);
        break;
      case "=":
        if (source[start + 1] === "=") return this.#push("==", start, start + 2);
        break;
      case "~":
        return source[start + 1] === "=" && this.#push("approx", start, start + 2);
      case "!":
        if (source[start + 1] !== "=") return this.#push("!", start, start + 1);
        return this.#push("!=", start, start + (source[start + 2] === "=" ? 3 : 2));
      case "'":
        return this.#push("transpose", start, start + 1);
      case "^":
        return this.#caret(start);
    }
    const type = CHARACTERS.get(character);
    if (type === undefined) return false;
    const greedy = (type === "greek" || type === "other") && source[start + 1] === " ";
    return this.#push(type, start, start + (greedy ? 2 : 1));
  }

  /** `^T` and `^\circ` are one token each: transpose and degree. */
  #caret(start: number): true {
    const source = this.#source;
    for (const literal of ["^{T}", "^T", "^{\\\\top}"]) {
      if (source.startsWith(literal, start)) return this.#push("transpose", start, start + literal.length);
    }
    for (const name of ["circle", "circ", "degree"]) {
      if (source.startsWith(`^\\${name}`, start)) return this.#push("degree", start, start + name.length + 2);
      if (source.startsWith(`^{\\${name}}`, start)) return this.#push("degree", start, start + name.length + 4);
    }
    if (source.startsWith("^°", start)) return this.#push("degree", start, start + 2);
    if (source.startsWith("^{°}", start)) return this.#push("degree", start, start + 4);
    return this.#push("^", start, start + 1);
  }

  #command(): boolean {
    const source = this.#source;
    const start = this.#at;
    const next = source[start + 1];
    if (next === undefined) return false;
    if (!isLetter(source.charCodeAt(start + 1))) return this.#escaped(start, next);
    let end = start + 1;
    while (end - start < 24 && isLetter(source.charCodeAt(end))) end++;
    const word = source.slice(start, end);
    if (ACCENT_COMMANDS.has(word) && this.#accent(start, end)) return true;
    if (word === "\\begin" || word === "\\end" || word === "\\variable" || word === "\\char" || word === "\\not") return this.#special(word, start, end);
    for (let length = min(word.length, LONGEST_COMMAND); length > 1; length--) {
      const prefix = length === word.length ? word : word.slice(0, length);
      const type = COMMANDS.get(prefix);
      if (type === undefined) continue;
      if (type === "skip") {
        this.#at = start + length;
        return true;
      }
      return this.#commandToken(type, start, start + length);
    }
    return false;
  }

  #commandToken(type: TokenType, start: number, end: number): true {
    const source = this.#source;
    const blank = source[end] === " ";
    if (type === "gammafn") return blank ? this.#push("greek", start, end + 1) : this.#push(type, start, end);
    if (type === "greek" || type === "other") return this.#push(type, start, blank ? end + 1 : end);
    if (type === "infinity" && source[end] === "%") return this.#push(type, start, end + 1);
    if (type === "infinity" && source.startsWith("\\%", end)) return this.#push(type, start, end + 2);
    if (type === "lbrace" && source.startsWith("\\rbrace", end)) return this.#push("emptyset", start, end + 7);
    return this.#push(type, start, end);
  }

  #escaped(start: number, next: string): boolean {
    switch (next) {
      case ",":
      case ":":
      case ";":
      case "!":
        this.#at = start + 2;
        return true;
      case "$":
        if (this.#source.startsWith("\\infty", start + 2)) return this.#push("infinity", start, start + 8);
        this.#at = start + 2;
        return true;
      case "{":
        if (this.#source.startsWith("\\}", start + 2)) return this.#push("emptyset", start, start + 4);
        return this.#push("\\{", start, start + 2);
      case "}":
      case "(":
      case ")":
      case "\\":
        return this.#push(`\\${next}`, start, start + 2);
      case "|":
        return this.#push("norm", start, start + 2);
      default:
        return false;
    }
  }

  /** Accent, at most one blank, then everything to the first closing brace: accents do not nest. */
  #accent(start: number, end: number): boolean {
    const source = this.#source;
    let open = end;
    if (isBlank(source.charCodeAt(open))) open++;
    if (source[open] !== "{") return false;
    if (open === end && source.startsWith("\\mathbb", start) && source[open + 2] === "}") {
      const name = LITERAL_SETS[source[open + 1] ?? ""];
      if (name !== undefined) return this.#push(`set${name}`, start, open + 3);
    }
    const close = source.indexOf("}", open + 1);
    return close >= 0 && this.#push("accent", start, close + 1);
  }

  #special(word: string, start: number, end: number): boolean {
    const source = this.#source;
    if (word === "\\not") return source.startsWith("\\equiv", end) && this.#push("!=", start, end + 6);
    if (word === "\\char") {
      const match = /^"?000([0-9A-F]{3})/.exec(source.slice(end, end + 8));
      return match !== null && GREEK.has(`\\char000${match[1]}`) && this.#push("greek", start, end + match[0].length);
    }
    const close = source.indexOf("}", end);
    if (close < 0) return false;
    if (word === "\\variable") {
      if (source[end] !== "{") return false;
      const inner = /^\{([^{}]*(?:_\{[^{}]*\})?[^{}]*)\}(\\?%)?/.exec(source.slice(end, end + 400));
      return inner !== null && variableName(inner[1]!) && this.#push("variable", start, end + inner[0].length);
    }
    const name = source.slice(end, close + 1);
    const isBegin = word === "\\begin";
    if (name === "{matrix}" || name === "{pmatrix}" || name === "{bmatrix}") return this.#push(isBegin ? "beginMatrix" : "endMatrix", start, close + 1);
    if (name === "{vmatrix}") return this.#push(isBegin ? "beginDeterminant" : "endDeterminant", start, close + 1);
    if (name !== "{array}") return false;
    if (!isBegin) return this.#push("endArray", start, close + 1);
    const columns = /^\{[clr]*\}/.exec(source.slice(close + 1, close + 200));
    return columns !== null && this.#push("beginArray", start, close + 1 + columns[0].length);
  }
}

/** Letters, digits and symbol commands, then at most one subscript. */
const variableName = (text: string): boolean => {
  const part = String.raw`(?:\\[a-zA-Z]+ ?|[a-zA-Z0-9])`;
  return new RegExp(`^${part}+(?:_(?:\\{(?:${part}|,)+\\}|${part}))?$`).test(text);
};
