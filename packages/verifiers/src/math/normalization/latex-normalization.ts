/**
 * Clean-ups of a LaTeX answer before it is parsed, in the order and with the effects of latex2sympy2_extended 1.11
 * (`math_normalization.py`), each in time linear in the text.
 */
import type { NormalizationOptions } from "../options";
import { BLANK, strip } from "../text";
import { extractBoxed } from "./boxed";
import { stripUnits } from "./units";

/** A pattern and what takes its place, `$1` and `$2` standing for its groups. */
type Rule = readonly [pattern: RegExp, template: string];

/** Applies rules one after another. A match that leaves a group open stays as it is. */
function rewrite(text: string, rules: readonly Rule[]): string {
  return rules.reduce(
    (result, [pattern, template]) =>
      replaced(result, pattern, (match, ...groups) =>
        groups.includes(undefined) ? match! : template.replace(/\$\d/g, (name) => groups[+name[1]! - 1]!),
      ),
    text,
  );
}

/** Most patterns match nowhere, which a search tells at half the price. */
function replaced(text: string, pattern: RegExp, replacer: (...match: (string | undefined)[]) => string): string {
  return text.search(pattern) < 0 ? text : text.replace(pattern, replacer);
}

/** The pattern with Python's blanks for `\s`. */
function pythonic(pattern: RegExp): RegExp {
  return new RegExp(
    pattern.source.replace(/(\\\\)|\\s/g, (_, backslash?: string) => backslash ?? BLANK),
    "g",
  );
}

/** `\left(` or `\right)`: the delimiters alone stay. */
function sized(side: string, brackets: string, letter: string): Rule {
  return [
    new RegExp(
      String.raw`\\m?${side}(${brackets}|\\(?:${letter}(?:group|brac[ek]|vert|ceil|floor|angle)|vert|[lu]${letter}corner))`,
      "g",
    ),
    "$1",
  ];
}

const COMMANDS: readonly Rule[] = [
  [/\\mathrm\{([Td])\}/g, "$1"],
  [/\{\\rm d\}/g, "d"],
  [/\\left\[\\begin\{matrix\}/g, "\\begin{bmatrix}"],
  [/\\end\{matrix\}\\right\]/g, "\\end{bmatrix}"],
  sized("left", String.raw`\\?[{|]|[[(]|\\rbracl`, "l"),
  sized("right", String.raw`\\?[}|]|[\])]`, "r"),
  // The falling factorial.
  [/\(([a-zA-Z\d+\-*/\\ ]+)\)_\{([a-zA-Z\d+\-*/\\ ]+)\}/g, "\\frac{($1)!}{(($1)-($2))!}"],
  [/\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\?\$|(?<!\\)["']|\\displaystyle/g, ""],
  // The words below are looked for over the blanks before them, from each of these, and more blanks are together now.
  [pythonic(/(\s{199})\s+/), "$1"],
];

/** Replaced in one pass: what a replacement leaves is not looked at again. */
const WORDS: readonly Rule[] = [
  [/\\(?:math(?:rm|it|bf)|text(?:normal|bf|it|rm))/, "\\text"],
  [/\\[dtc]frac/, "\\frac"],
  [/\s\./, " 0."],
  [/\{\./, "{0."],
  [/~=/, "\\approx"],
  [/\s*\{\s*,\s*\}|(?<![a-zA-Z]),?\s*(?:and|or)(?![a-zA-Z])|,?\s*\\text\{\s*(?:and|or)\s*\}/, ","],
  [/(?<!\\)\\\s|,?\\ldots/, " "],
  [/infinity|(?<!\\)inf(?!inity)/, "\\infty"],
  [/\s*\b(?:percent(?:age)?|pct)\b/, "\\%"],
  [/\\text\{(?:percent(?:age)?|pct)\}/, "%"],
  [/ sqrt/, "\\sqrt"],
];
const ANY_WORD = pythonic(new RegExp(WORDS.map(([pattern]) => `(${pattern.source})`).join("|")));

/**
 * From an opener to the first closer on its line. Where there is none, the line is passed over, so that no text is read
 * twice (but for its last characters: an opener may begin there).
 */
function span(opener: RegExp, closer: RegExp): RegExp {
  return new RegExp(String.raw`${opener.source}(?:([^\n]*?)${closer.source}|[^\n]*(?=[^\n]{7}))`, "g");
}

const OPERATORS: readonly Rule[] = [
  [span(/\^\s?\(/, /\)/), "^{$1}"],
  [span(/sqrt\s?\(/, /\)/), "\\sqrt{$1}"],
  [/\\frac\s?(\d)\s?(\d+)/g, "\\frac{$1}{$2}"],
  [/\\log_\s?(\d)\s?(\d+)/g, "\\log_{$1}{$2}"],
  // As in the reference, the first brace that a digit follows ends the numerator.
  [span(/\\frac\s?\{/, /\}\s?(\d)/), "\\frac{$1}{$2}"],
  [span(/\\frac\s?(\d)\s?\{/, /\}/), "\\frac{$1}{$2}"],
  [/ sqrt/g, "\\sqrt"],
  [pythonic(/\\sqrt\s+/), "\\sqrt"],
  [/\\sqrt(?!\\sqrt|[{[])([^])/g, "\\sqrt{$1}"],
];

/** A `\frac` with too little after it, which leaves all of them as they are. */
const SHORT_FRACTION = pythonic(/\\frac\s*[^{]?(?:\\frac|$)/);
const FRACTIONS: readonly Rule[] = [
  [pythonic(/\\frac\s+/), "\\frac"],
  [/\\frac([^{])(?=\{)/g, "\\frac{$1}"],
  [/\\frac([^{])([^])/g, "\\frac{$1}{$2}"],
  [/^(0|-?[1-9]\d*)\/(0|-?[1-9]\d*)$/, "\\frac{$1}{$2}"],
];

const NITS: readonly Rule[] = [
  [/^\./, "0."],
  [/^0\.5$/, "\\frac{1}{2}"],
];

/**
 * A LaTeX answer in the form the parser reads.
 *
 * @param text what stood between the delimiters
 */
export function normalizeLatex(text: string, options: NormalizationOptions): string {
  if (/^-?\d+$/.test(text)) return text;
  let result = options.boxed === "none" ? text : extractBoxed(text, options.boxed);
  if (options.basicLatex) {
    result = replaced(
      rewrite(result, COMMANDS),
      ANY_WORD,
      (...match) => WORDS[match.indexOf(match[0], 1) - 1]![1],
    ).replace(/[\n\t]/g, " ");
    if (!result.includes("matrix")) result = result.replace(/\\\\(?=[a-zA-Z])/g, "\\");
  }
  if (options.equations) result = lastSide(result);
  if (options.units) result = stripUnits(result);
  if (options.nits) result = rewrite(result, NITS);
  if (options.malformedOperators) {
    result = rewrite(result, OPERATORS);
    if (result.search(SHORT_FRACTION) < 0) result = rewrite(result, FRACTIONS);
  }
  return strip(result);
}

/** The text after the last `=` where there are two or more and no list. */
export function lastSide(text: string): string {
  const sides = /[,;]/.test(text) ? [] : text.split(/(?<![\\<!>])=/);
  return sides.length > 2 ? sides.pop()! : text;
}
