/**
 * Whether a text is mathematics or words, and its LaTeX for the engine. Words never reach the engine: it would read
 * them as products of their letters, so that STOP equals POTS.
 */
import { isBalanced } from "../normalize/scan";

const FUNCTIONS = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan asin acos atan sinh cosh tanh log ln lg exp sqrt cbrt abs max min gcd lcm lim mod det floor ceil pi theta alpha beta gamma delta lambda mu omega sigma phi rho epsilon infty infinity deg dx dy dt".split(
    " ",
  ),
);
/** Short words that are never products of variables. */
const SHORT_WORDS = new Set(
  "is to of in on at an as by or no so we he it do if go up be am my me us and the for not all any one two six ten yes red cat dog car day may jan feb mar apr jun jul aug sep oct nov dec mon tue wed thu fri sat sun top new old big low high per".split(
    " ",
  ),
);
const EVIDENCE = /\d|[=+*/^_<>|!]|\\[a-zA-Z]+|(?:sin|cos|tan|log|ln|exp|sqrt|[fgh]) ?\(/;
const LONGEST = 600;

/**
 * Whether a text is a formula: variables, numbers, operators and commands, with mathematics in it and no words.
 *
 * @example isMath("2ab + 2bc") // true; isMath("ab") // false: letters alone are a word
 */
export function isMath(text: string): boolean {
  if (text === "" || text.length > LONGEST || !isBalanced(text)) return false;
  if (!EVIDENCE.test(text)) return false;
  if (/[^\n -~]|["#@?&;$:]|\.\.|\d'\d|(?<![_^\d])\d+ +[\d.]/.test(text)) return false;
  const bare = text.replace(/\\[a-zA-Z]+/g, " ").replace(/\b\d+(?:\.\d+)?[eE][-+]?\d+\b/g, "0");
  for (const run of bare.match(/[a-zA-Z]{2,}/g) ?? []) {
    if (FUNCTIONS.has(run.toLowerCase()) || isFunctionRun(run)) continue;
    // "I got 42": a word between blanks is no product.
    if (run.length > 2 && new RegExp(`(?:^| )${run}(?= |$)`).test(bare)) return false;
    const isProduct = /^(?:[a-z]{2,4}|[A-Z]{2,3})$/.test(run);
    if (!isProduct || SHORT_WORDS.has(run.toLowerCase())) return false;
  }
  return true;
}

/** `sinx`, `lnx`, `sqrtx`. */
const isFunctionRun = (run: string): boolean => /^(sin|cos|tan|log|ln|exp|sqrt)[a-z]$/.test(run);

const NAMED_FUNCTION =
  /(?<![\\a-zA-Z])(arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp|max|min|gcd|lcm)(?=[\s({^_\d\\]|[a-z](?![a-z]))/g;
const GREEK =
  /(?<![\\a-zA-Z])(pi|theta|alpha|beta|gamma|delta|lambda|mu|omega|sigma|phi|rho|epsilon|infty)(?![a-zA-Z])/g;

/**
 * The LaTeX that the engine reads: plain functions and roots as commands, `*` and `**` as LaTeX, degrees as multiples
 * of π, arrows over letters gone.
 */
export function toLatex(text: string): string {
  let out = text
    .replace(/\*\*/g, "^")
    .replace(/(?:\{\})?[_^] ?\{?(\d+|[a-z])\}? ?C ?_ ?\{?(\d+|[a-z])\}?/g, "\\binom{$1}{$2}")
    .replace(/\{? ?(?<![\d.)])(\d+|[a-z]) ?\\?choose ?(\d+|[a-z])(?![\d.(]) ?\}?/g, "\\binom{$1}{$2}")
    .replace(/(?<![\w\\])C ?\( ?(\d+|[a-z]) ?, ?(\d+|[a-z]) ?\)/g, "\\binom{$1}{$2}")
    .replace(/(?<![\\a-zA-Z])mod(?= ?\d)/g, "\\mod ")
    .replace(/\\log ?_ ?\{? ?e ?\}?/g, "\\ln ")
    .replace(/\*/g, "\\cdot ")
    .replace(/\\(?:vec|hat|overrightarrow|mathbf|mathrm) ?\{?([a-zA-Z]{1,2})\}?/g, "$1")
    .replace(/(?<![\\a-zA-Z])infinity(?![a-zA-Z])/gi, "\\infty")
    .replace(NAMED_FUNCTION, "\\$1 ")
    .replace(GREEK, "\\$1 ")
    .replace(/\^ ?([-+]?\d{2,}|-\d)(?![\d.])/g, "^{$1}")
    .replace(/\^ ?\(([^()]*)\)/g, "^{$1}")
    .replace(/_ ?(\d{2,})/g, "_{$1}");
  out = explicitProducts(rootsOf(out));
  if (out.includes("\\circ")) out = degreesOf(out);
  return out.trim();
}

/** The engine adds numbers that stand next to each other, as in mixed numbers: `2(3)` and `(2)(3)` need their sign. */
const explicitProducts = (text: string): string =>
  text
    .replace(/(?<![_^\d.a-zA-Z]|[_^]\{)(\d+(?:\.\d+)?) ?(?=\()/g, "$1\\cdot ")
    .replace(/\) ?(?=[(\d])/g, ")\\cdot ")
    .replace(/(?<=[\d}]) ?(?=\\binom)/g, "\\cdot ");

/** `sqrt(2)`, `sqrt2`, `cbrt(2)` as roots. */
function rootsOf(text: string): string {
  return text.replace(
    /(?<![\\a-zA-Z])(sqrt|cbrt) ?(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\)|(\d+(?:\.\d+)?|[a-z]))/g,
    (_, name: string, inside?: string, bare?: string) => `\\sqrt${name === "cbrt" ? "[3]" : ""}{${inside ?? bare}}`,
  );
}

/** `30^\circ` is 30 · π/180. */
const degreesOf = (text: string): string =>
  text
    .replace(/(\d+(?:\.\d+)?|[a-z]|\\[a-z]+) ?\^\\circ ?/g, "($1\\cdot\\frac{\\pi}{180})")
    .replace(/\) ?\^\\circ ?/g, ")\\cdot\\frac{\\pi}{180}");
