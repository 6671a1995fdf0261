/**
 * One way to write each character: full-width digits and signs, Chinese punctuation, unicode mathematics, quotes,
 * dashes and blanks. What has a LaTeX command becomes that command, so that `√2`, `x²` and `½` read as `\sqrt 2`,
 * `x^{2}` and `\frac{1}{2}`. The rest goes through Unicode's NFKC. Linear in the text.
 */

const GREEK =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau upsilon phi chi psi omega";
const GREEK_CAPITALS = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega";

const COMMANDS: Readonly<Record<string, string>> = {
  "×": "\\times",
  "✕": "\\times",
  "÷": "\\div",
  "·⋅∙": "\\cdot",
  "√": "\\sqrt",
  "∞": "\\infty",
  "≤⩽≦": "\\le",
  "≥⩾≧": "\\ge",
  "≠": "\\ne",
  "≈≒≃": "\\approx",
  "≅": "\\cong",
  "∼": "\\sim",
  "≡": "\\equiv",
  "±": "\\pm",
  "∓": "\\mp",
  "∪": "\\cup",
  "∩": "\\cap",
  "∈": "\\in",
  "∉": "\\notin",
  "∅": "\\emptyset",
  "⊂": "\\subset",
  "⊆": "\\subseteq",
  "∠": "\\angle",
  "△": "\\triangle",
  "⊥": "\\perp",
  "∥": "\\parallel",
  "⟨〈": "\\langle",
  "⟩〉": "\\rangle",
  "→⟶": "\\to",
  "⇌": "\\rightleftharpoons",
  "∵": "\\because",
  "∴": "\\therefore",
  "∫": "\\int",
  "∑": "\\sum",
};

/** Characters with one ASCII or LaTeX form that NFKC does not give them. */
const FORMS = new Map<string, string>();
for (const [characters, command] of Object.entries(COMMANDS))
  for (const character of characters) FORMS.set(character, `${command} `);
const define = (characters: string, form: string): void => {
  for (const character of characters) FORMS.set(character, form);
};
define("−‐‑‒–—―﹣", "-");
define("“”„‟«»「」『』〝〞＂", '"');
define("‘’‚‛′ʹ＇´", "'");
define("″", "''");
define("。｡", ".");
define("、，﹐", ",");
define("；﹔", ";");
define("：∶ː﹕", ":");
define("～〜", "~");
define("•●◦", "* ");
define("【〔", "[");
define("】〕", "]");
define("⁄∕", "/");
define("°º˚", "^\\circ ");
define("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f", "");
define("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t", " ");
FORMS.set("∛", "\\sqrt[3]").set("∜", "\\sqrt[4]").set("℃", "^\\circ C").set("℉", "^\\circ F");
FORMS.set("㎡", "m^{2}").set("㎥", "m^{3}").set("㎠", "cm^{2}").set("㎤", "cm^{3}").set("㎢", "km^{2}");
FORMS.set("ℝ", "\\mathbb{R}").set("ℤ", "\\mathbb{Z}").set("ℕ", "\\mathbb{N}").set("ℚ", "\\mathbb{Q}");
GREEK.split(" ").forEach((name, i) => FORMS.set(String.fromCharCode(945 + i), `\\${name} `));
for (const name of GREEK_CAPITALS.split(" ")) {
  const small = GREEK.split(" ").indexOf(name.toLowerCase());
  FORMS.set(String.fromCharCode(913 + small), `\\${name} `);
}
FORMS.set("ϕ", "\\phi ").set("ϑ", "\\theta ").set("ε", "\\epsilon ").set("µ", "\\mu ").set("Ω", "\\Omega ");
for (const [whole, parts] of Object.entries({
  "½": "12",
  "⅓": "13",
  "⅔": "23",
  "¼": "14",
  "¾": "34",
  "⅕": "15",
  "⅖": "25",
  "⅗": "35",
  "⅘": "45",
  "⅙": "16",
  "⅚": "56",
  "⅛": "18",
  "⅜": "38",
  "⅝": "58",
  "⅞": "78",
}))
  FORMS.set(whole, `\\frac{${parts[0]}}{${parts[1]}}`);
/** ①, ②, .. are labels of parts. */
for (let i = 0; i < 20; i++) FORMS.set(String.fromCharCode(0x2460 + i), `(${i + 1})`);

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎";
const PLAIN = "0123456789+-=()ni";

const escaped = (characters: string): string => characters.replace(/[\\\]^-]/g, "\\$&");
const SPECIAL = new RegExp(`[${escaped([...FORMS.keys()].join(""))}]`, "g");
const SCRIPTS = new RegExp(`[${RAISED}]+|[${LOWERED}]+`, "g");
/** In plain text a root reaches over a whole number: `√12`; LaTeX's `\sqrt12` is √1 · 2. */
const ROOT_OF_NUMBER = /√ ?(\d+(?:\.\d+)?)/g;
const ASCII_ONLY = /^[\n\r\x20-\x7e]*$/;

/** Superscripts and subscripts as `^{..}` and `_{..}`. */
const spelledScripts = (run: string): string => {
  const letters = RAISED.includes(run[0]!) ? RAISED : LOWERED;
  const plain = Array.from(run, (character) => PLAIN[letters.indexOf(character)]).join("");
  return `${letters === RAISED ? "^" : "_"}{${plain}}`;
};

/**
 * The text with one form for each character.
 *
 * @example normalizeCharacters("（１，２）") // "(1,2)"
 */
export function normalizeCharacters(text: string): string {
  if (ASCII_ONLY.test(text)) return text.replaceAll("\r\n", "\n");
  return text
    .replace(ROOT_OF_NUMBER, "\\sqrt{$1}")
    .replace(SCRIPTS, spelledScripts)
    .replace(SPECIAL, (character) => FORMS.get(character)!)
    .normalize("NFKC")
    .replaceAll("\r\n", "\n");
}
