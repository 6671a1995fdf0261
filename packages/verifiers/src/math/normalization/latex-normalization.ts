/**
 * Clean-ups of a LaTeX answer before it is parsed, in the order and with the effects of latex2sympy2_extended 1.11
 * (`math_normalization.py`), each in time linear in the text.
 */
import type { NormalizationOptions } from "../options";
import { Finder, strip } from "../text";
import { extractBoxed } from "./boxed";
import { stripUnits } from "./units";

const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const LEFT = /\\m?left(\\\{|\{|\\\||\||\[|\(|\\rbracl|\\lgroup|\\lbrace|\\lbrack|\\vert|\\lvert|\\lceil|\\lfloor|\\langle|\\llcorner|\\ulcorner)/g;
const RIGHT = /\\m?right(\\\}|\}|\\\||\||\]|\)|\\rbrack|\\rgroup|\\rbrace|\\vert|\\rvert|\\rceil|\\rfloor|\\rangle|\\lrcorner|\\urcorner)/g;
const REMOVED = /\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|(?<!\\)["']|\\displaystyle/g;
const SPACES = String.raw`[\s\x1c-\x1f\x85]`;

/** Pattern → replacement, tried in this order at each place. */
const REPLACEMENTS: readonly (readonly [string, string])[] = [
  [String.raw`\\math(?:rm|it|bf)`, "\\text"],
  [String.raw`\\text(?:normal|bf|it|rm)`, "\\text"],
  [String.raw`\\(?:d|t|c)frac`, "\\frac"],
  [String.raw`${SPACES}\.`, " 0."],
  [String.raw`\{\.`, "{0."],
  ["~=", "\\approx"],
  [String.raw`${SPACES}*\{${SPACES}*,${SPACES}*\}`, ","],
  [String.raw`(?<![a-zA-Z])(?:,?${SPACES}*(?:and|or))(?![a-zA-Z])`, ","],
  [String.raw`,?${SPACES}*\\text\{${SPACES}*(?:and|or)${SPACES}*\}`, ","],
  [String.raw`(?<!\\)\\${SPACES}`, " "],
  ["infinity", "\\infty"],
  [String.raw`,?\\ldots`, " "],
  [String.raw`${SPACES}*\bpercentage\b`, "\\%"],
  [String.raw`\\text\{percentage\}`, "%"],
  [String.raw`${SPACES}*\bpercent\b`, "\\%"],
  [String.raw`\\text\{percent\}`, "%"],
  [String.raw`${SPACES}*\bpct\b`, "\\%"],
  [String.raw`\\text\{pct\}`, "%"],
  [String.raw`(?<!\\)inf(?!inity)`, "\\infty"],
  [" sqrt", "\\sqrt"],
];
const REPLACED = new RegExp(REPLACEMENTS.map(([pattern]) => `(${pattern})`).join("|"), "g");
/** What a text must hold for any of the above to match: most answers hold none of it. */
const REPLACED_HINT = /\\(?:math|text|[dtc]frac|ldots|\s)|[\s{]\.|~=|\{\s*,|and|or|inf|percent|pct| sqrt/;

/**
 * A LaTeX answer in the form the parser reads.
 *
 * @param text what stood between the delimiters
 */
export const normalizeLatex = (text: string, options: NormalizationOptions): string => {
  if (PLAIN_NUMBER.test(text) && text !== "0.5") return text;
  let result = text;
  if (options.boxed !== "none" && (result.includes("\\boxed") || result.includes("\\fbox"))) result = extractBoxed(result, options.boxed);
  if (result.length > 400) result = result.replace(/\s{200,}/g, (run) => run.slice(0, 199));
  if (options.basicLatex) result = basicLatex(result);
  if (options.equations) result = lastSide(result);
  if (options.units) result = stripUnits(result);
  if (options.nits) {
    if (result.startsWith(".")) result = `0${result}`;
    if (result === "0.5") result = "\\frac{1}{2}";
  }
  if (options.malformedOperators) result = malformedOperators(result);
  return strip(result);
};

const basicLatex = (text: string): string => {
  let result = text;
  if (result.includes("\\")) {
    result = result.replaceAll("\\mathrm{T}", "T").replaceAll("\\mathrm{d}", "d").replaceAll("{\\rm d}", "d");
    result = result.replaceAll("\\left[\\begin{matrix}", "\\begin{bmatrix}").replaceAll("\\end{matrix}\\right]", "\\end{bmatrix}");
    if (result.includes("left")) result = result.replace(LEFT, "$1");
    if (result.includes("right")) result = result.replace(RIGHT, "$1");
  }
  if (result.includes(")_{")) result = permutations(result);
  result = result.replace(REMOVED, "");
  if (REPLACED_HINT.test(result)) {
    result = result.replace(REPLACED, (match, ...groups: unknown[]) => {
      const index = groups.findIndex((group) => group !== undefined);
      return REPLACEMENTS[index]?.[1] ?? match;
    });
  }
  result = result.replace(/[\n\t]/g, " ");
  return result.includes("matrix") || !result.includes("\\\\") ? result : result.replace(/\\\\(?=[a-zA-Z])/g, "\\");
};

const isCounted = (character: string | undefined): boolean => character !== undefined && /[a-zA-Z0-9+\-*/\\ ]/.test(character);

/** `(a)_{b}`, the falling factorial, as a quotient of factorials. */
const permutations = (text: string): string => {
  let result = "";
  let done = 0;
  for (let at = text.indexOf(")_{"); at >= 0; at = text.indexOf(")_{", at + 1)) {
    let open = at - 1;
    while (open >= done && isCounted(text[open])) open--;
    let close = at + 3;
    while (isCounted(text[close])) close++;
    if (open < done || text[open] !== "(" || open === at - 1 || text[close] !== "}" || close === at + 3) continue;
    const [upper, lower] = [text.slice(open + 1, at), text.slice(at + 3, close)];
    result += `${text.slice(done, open)}\\frac{(${upper})!}{((${upper})-(${lower}))!}`;
    done = close + 1;
  }
  return result + text.slice(done);
};

/** The text after the last `=` where there are two or more and no list. */
export const lastSide = (text: string): string => {
  if (!text.includes("=") || text.includes(",") || text.includes(";")) return text;
  const parts = text.split(/(?<!\\|<|!|>)=/);
  return parts.length > 2 ? parts[parts.length - 1]! : text;
};

const malformedOperators = (text: string): string => {
  let result = text;
  if (result.includes("^")) result = wrapParenthesised(result, /\^\s?\(/g, "^{");
  if (result.includes("sqrt")) result = wrapParenthesised(result, /sqrt\s?\(/g, "\\sqrt{");
  if (result.includes("\\frac")) result = result.replace(/\\frac\s?(\d)\s?(\d+)/g, "\\frac{$1}{$2}");
  if (result.includes("\\log_")) result = result.replace(/\\log_\s?(\d)\s?(\d+)/g, "\\log_{$1}{$2}");
  if (result.includes("\\frac")) {
    result = fractionWithBareDenominator(result);
    result = result.replace(/\\frac\s?(\d)\s?\{([^}\n]*)\}/g, "\\frac{$1}{$2}");
  }
  if (result.includes("sqrt")) {
    result = result.replace(/\\sqrt\s?(\d)/g, "\\sqrt{$1}").replaceAll(" sqrt", "\\sqrt");
    result = fixRoots(result);
  }
  if (result.includes("\\frac")) result = fixFractions(result);
  return fixSlash(result);
};

/** `opener(..)` → `replacement..}` up to the first closing parenthesis on the line. */
const wrapParenthesised = (text: string, opener: RegExp, replacement: string): string => {
  const closing = new Finder(text, ")");
  const breaking = new Finder(text, "\n");
  let result = "";
  let done = 0;
  for (const match of text.matchAll(opener)) {
    if (match.index < done) continue;
    const from = match.index + match[0].length;
    const close = closing.next(from);
    const end = breaking.next(from);
    if (close < 0 || (end >= 0 && end < close)) continue;
    result += `${text.slice(done, match.index)}${replacement}${text.slice(from, close)}}`;
    done = close + 1;
  }
  return result + text.slice(done);
};

/** `\frac{a}3` → `\frac{a}{3}`; as in the reference, the first brace that a digit follows ends the numerator. */
const fractionWithBareDenominator = (text: string): string => {
  const opener = /\\frac\s?\{/g;
  const end = /\}\s?(\d)/g;
  let result = "";
  let done = 0;
  let cached: RegExpExecArray | null = null;
  let exhausted = false;
  for (const match of text.matchAll(opener)) {
    if (match.index < done) continue;
    const from = match.index + match[0].length;
    if (!exhausted && (cached === null || cached.index < from)) {
      end.lastIndex = from;
      cached = end.exec(text);
      exhausted = cached === null;
    }
    if (exhausted || cached === null) break;
    const numerator = text.slice(from, cached.index);
    if (numerator.includes("\n")) continue;
    result += `${text.slice(done, match.index)}\\frac{${numerator}}{${cached[1]}}`;
    done = cached.index + cached[0].length;
  }
  return result + text.slice(done);
};

/** `\sqrt3` → `\sqrt{3}`. */
const fixRoots = (text: string): string => {
  const parts = text.split("\\sqrt");
  let result = parts[0]!;
  for (const part of parts.slice(1)) {
    const rest = stripStart(part);
    result += rest.length > 0 && rest[0] !== "{" && rest[0] !== "[" ? `\\sqrt{${rest[0]}}${rest.slice(1)}` : `\\sqrt${rest}`;
  }
  return result;
};

/** `\frac12`, `\frac1{2}`, `\fracab` → braces; gives the text back when a `\frac` has too little after it. */
const fixFractions = (text: string): string => {
  const parts = text.split("\\frac");
  let result = parts[0]!;
  for (const part of parts.slice(1)) {
    const rest = stripStart(part);
    result += "\\frac";
    if (rest.startsWith("{")) result += rest;
    else if (rest.length < 2) return text;
    else result += rest[1] === "{" ? `{${rest[0]}}${rest.slice(1)}` : `{${rest[0]}}{${rest[1]}}${rest.slice(2)}`;
  }
  return result;
};

/** `a/b` of two plain integers → `\frac{a}{b}`. */
const fixSlash = (text: string): string => {
  const match = /^(-?(?:0|[1-9]\d*))\/(-?(?:0|[1-9]\d*))$/.exec(text);
  if (match === null || match[1] === "-0" || match[2] === "-0") return text;
  return `\\frac{${match[1]}}{${match[2]}}`;
};

const stripStart = (text: string): string => text.length === 0 || !(text.charCodeAt(0) <= 32 || text.charCodeAt(0) > 0x84) ? text : text.slice(text.length - strip(`${text}x`).length + 1);

