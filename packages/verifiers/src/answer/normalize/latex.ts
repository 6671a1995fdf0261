/**
 * LaTeX without its typography: `\text`, `\mathrm`, colors and sizes go and leave what they hold, spacing becomes a
 * blank, synonyms become one command, and short arguments get their braces (`\frac12` is `\frac{1}{2}`). What is left
 * is either plain words or LaTeX that the math engine reads.
 */
import { closingBrace, commandAt, isDigit, isLetter } from "./scan";

const words = (list: string): ReadonlySet<string> => new Set(list.split(" ").map((name) => `\\${name}`));

/** Commands without arguments that say how, not what. */
const STYLES = words(
  "displaystyle textstyle scriptstyle left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr limits nolimits rm bf it sf tt cal mathstrut strut ! therefore because noindent centering large Large small normalsize hfill allowbreak",
);
const BLANKS = words(", ; : > quad qquad enspace enskip thinspace medspace thickspace nobreakspace space");
/** Commands that stand for their argument, and whether it is prose. */
const PROSE = words("text textrm textbf textit textsf texttt textnormal textup textmd textsc mbox hbox emph text*");
const WRAPPERS = words(
  "mathrm mathbf mathit mathsf mathtt mathnormal boldsymbol bm pmb bold operatorname operatorname* boxed fbox framebox ensuremath underline uline overset* mathop mathord mathbin mathrel number num ce unit si smash cancel bcancel xcancel mathring textstyle",
);
/** Commands whose first argument goes and whose second stands for them. */
const COLORED = words("textcolor color colorbox bbox");
/** Commands that go with their argument. */
const UNSEEN = words("tag label phantom hphantom vphantom hspace vspace hspace* vspace* ref footnote");
/** Commands of two arguments, value and unit. */
const QUANTITIES = words("quantity SI qty");

const SYNONYMS: Readonly<Record<string, string>> = {
  "\\dfrac": "\\frac",
  "\\tfrac": "\\frac",
  "\\cfrac": "\\frac",
  "\\bmod": "\\mod",
  "\\dbinom": "\\binom",
  "\\tbinom": "\\binom",
  "\\leq": "\\le",
  "\\leqslant": "\\le",
  "\\leqq": "\\le",
  "\\geq": "\\ge",
  "\\geqslant": "\\ge",
  "\\geqq": "\\ge",
  "\\neq": "\\ne",
  "\\not=": "\\ne",
  "\\lt": "<",
  "\\gt": ">",
  "\\varnothing": "\\emptyset",
  "\\empty": "\\emptyset",
  "\\infin": "\\infty",
  "\\colon": ":",
  "\\ratio": ":",
  "\\lbrace": "\\{",
  "\\rbrace": "\\}",
  "\\lbrack": "[",
  "\\rbrack": "]",
  "\\lparen": "(",
  "\\rparen": ")",
  "\\mid": "|",
  "\\vert": "|",
  "\\lvert": "|",
  "\\rvert": "|",
  "\\degree": "^\\circ ",
  "\\degrees": "^\\circ ",
  "\\textdegree": "^\\circ ",
  "\\celsius": "^\\circ C",
  "\\textcelsius": "^\\circ C",
  "\\pounds": "£",
  "\\textsterling": "£",
  "\\euro": "€",
  "\\texteuro": "€",
  "\\yen": "¥",
  "\\textyen": "¥",
  "\\textdollar": "$",
  "\\rupee": "₹",
  "\\ohm": "\\Omega ",
  "\\micro": "\\mu ",
  "\\percent": "%",
  "\\rightarrow": "\\to",
  "\\longrightarrow": "\\to",
  "\\xrightarrow": "\\to",
  "\\ldots": "...",
  "\\dots": "...",
  "\\cdots": "...",
  "\\dotsc": "...",
  "\\dotsb": "...",
  "\\lg": "\\log_{10}",
  "\\cdotp": "\\cdot",
  "\\ast": "\\cdot",
  "\\lor": " or ",
  "\\land": " and ",
  "\\wedge": " and ",
  "\\vee": " or ",
  "\\newline": "\n",
  "\\overrightarrow": "\\vec",
  "\\bigtriangleup": "\\triangle",
  "\\vartriangle": "\\triangle",
  "\\varepsilon": "\\epsilon",
  "\\vartheta": "\\theta",
  "\\varphi": "\\phi",
  "\\R": "\\mathbb{R}",
  "\\Reals": "\\mathbb{R}",
  "\\reals": "\\mathbb{R}",
  "\\checkmark": "✓",
  "\\prime": "'",
  "\\backslash": "\\",
  "\\textendash": "-",
  "\\textemdash": "-",
};

/** `\%` and the like: a character that LaTeX wants escaped. */
const ESCAPED = "%$&#_";
const DEEPEST = 40;

/**
 * The text without LaTeX's typography.
 *
 * @example stripLatex("\\text{12 cm}^2") // "12 cm^2"
 */
export function stripLatex(text: string): string {
  if (!text.includes("\\") && !/[{}^~]/.test(text)) return text;
  return cleaned(text, 0)
    .replace(/\\overline ?\{([A-Z]{2,3})\}/g, "$1")
    .replace(/&/g, SYSTEMS.test(text) ? " " : "&")
    .replace(SYSTEMS_ALL, "")
    .replace(/ +(?=[\^_](?!\\circ))/g, "")
    .replace(/\^\{\\circ ?\}|\^\{?[o∘]\}?(?=$|[^a-z0-9{])|\^\\circ */g, "^\\circ ")
    .replace(/\{([,:=.])\}/g, "$1");
}

/** Lines of a system or a derivation, one below the other. */
const SYSTEMS = /\\(?:begin|end) ?\{(?:cases|aligned|align\*?|gathered|split|equation\*?)\}/;
const SYSTEMS_ALL = new RegExp(SYSTEMS.source, "g");

function cleaned(text: string, depth: number): string {
  if (depth > DEEPEST) return text;
  let out = "";
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    if (character === "\\") {
      const command = commandOf(text, at);
      const after = at + command.length;
      const read = readCommand(text, command, after, out, depth);
      out += read.text;
      at = read.end;
    } else if (character === "~" && !isRangeMark(text, at)) {
      out += " ";
      at++;
    } else if (character === "{" && /^\{\\(rm|bf|it|sf|tt|cal)\b/.test(text.slice(at, at + 6))) {
      const close = closingBrace(text, at);
      if (close === -1) {
        out += character;
        at++;
      } else {
        out += joined(out, cleaned(text.slice(at + 4, close).trimStart(), depth + 1), text[close + 1] ?? "", false);
        at = close + 1;
      }
    } else {
      out += character;
      at++;
    }
  }
  return out;
}

/** A command with the star that belongs to its name. */
function commandOf(text: string, at: number): string {
  const command = commandAt(text, at);
  return text[at + command.length] === "*" && /^\\(operatorname|text|[hv]space)$/.test(command)
    ? `${command}*`
    : command;
}

interface Read {
  readonly text: string;
  readonly end: number;
}

function readCommand(text: string, command: string, after: number, before: string, depth: number): Read {
  if (command.length === 2 && ESCAPED.includes(command[1]!)) return { text: command[1]!, end: after };
  if (command === "\\ " || command === "\\\n" || BLANKS.has(command)) return { text: " ", end: after };
  if (command === "\\\\") return { text: "\\\\ ", end: skipOption(text, after) };
  if (STYLES.has(command))
    return { text: "", end: text[after] === "." && /^\\(left|right)$/.test(command) ? after + 1 : after };
  if (PROSE.has(command) || WRAPPERS.has(command)) {
    const option = skipOption(text, after);
    const argument = groupAt(text, option);
    if (argument === undefined) return { text: "", end: option };
    const inner = cleaned(argument.text, depth + 1);
    return { text: joined(before, inner, text[argument.end] ?? "", PROSE.has(command)), end: argument.end };
  }
  if (COLORED.has(command)) {
    const first = groupAt(text, skipOption(text, after));
    if (first === undefined) return { text: "", end: skipOption(text, after) };
    const second = groupAt(text, first.end);
    if (second !== undefined) return { text: cleaned(second.text, depth + 1), end: second.end };
    // `\color{red} 12` colors what follows; `\bbox[red]{12}` has its color in the option.
    return { text: command === "\\color" ? "" : cleaned(first.text, depth + 1), end: first.end };
  }
  if (UNSEEN.has(command)) {
    const argument = groupAt(text, after);
    return { text: command.includes("space") ? " " : "", end: argument?.end ?? after };
  }
  if (QUANTITIES.has(command)) {
    const value = groupAt(text, skipOption(text, after));
    const unit = value && groupAt(text, value.end);
    if (value && unit)
      return { text: `${cleaned(value.text, depth + 1)} ${cleaned(unit.text, depth + 1)}`, end: unit.end };
  }
  const name = SYNONYMS[command] ?? command;
  if (name === "\\frac" || name === "\\binom") return readArguments(text, name, after, 2, depth);
  if (name === "\\sqrt") {
    const degree = /^\s*\[([^[\]]*)\]/.exec(text.slice(after, after + 40));
    const root = readArguments(text, "", after + (degree?.[0].length ?? 0), 1, depth);
    return { text: `\\sqrt${degree ? `[${cleaned(degree[1]!, depth + 1)}]` : ""}${root.text}`, end: root.end };
  }
  return { text: name, end: after };
}

/** Arguments, each in braces of its own. What has no argument stays as it is. */
function readArguments(text: string, name: string, after: number, count: number, depth: number): Read {
  let out = name;
  let at = after;
  for (let i = 0; i < count; i++) {
    const argument = argumentAt(text, at);
    if (argument === undefined) return { text: out, end: at };
    out += `{${cleaned(argument.text, depth + 1).trim()}}`;
    at = argument.end;
  }
  return { text: out, end: at };
}

/** The group in braces at a place, blanks before it skipped. */
function groupAt(text: string, from: number): Read | undefined {
  let at = from;
  while (text[at] === " " || text[at] === "\n") at++;
  if (text[at] !== "{") return undefined;
  const close = closingBrace(text, at);
  return close === -1
    ? { text: text.slice(at + 1), end: text.length }
    : { text: text.slice(at + 1, close), end: close + 1 };
}

/** A group, or the one character, command or root that TeX takes where there is no group. */
function argumentAt(text: string, from: number): Read | undefined {
  const group = groupAt(text, from);
  if (group !== undefined) return group;
  let at = from;
  while (text[at] === " ") at++;
  if (at >= text.length) return undefined;
  // `√(2)` and `\sqrt(2)`: brackets stand for braces.
  if (text[at] === "(") {
    const close = closingParenthesis(text, at);
    if (close !== -1) return { text: text.slice(at + 1, close), end: close + 1 };
  }
  if (text[at] !== "\\") return { text: text[at]!, end: at + 1 };
  const command = commandAt(text, at);
  let end = at + command.length;
  if (/^\\([dtc]?frac|[dt]?binom|sqrt|text\w*|math\w+|vec|overline|bar)$/.test(command)) {
    for (let left = /frac|binom/.test(command) ? 2 : 1; left > 0; left--) {
      const argument = argumentAt(text, end);
      if (argument === undefined) break;
      end = argument.end;
    }
  }
  return { text: text.slice(at, end), end };
}

function closingParenthesis(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at;
  }
  return -1;
}

function skipOption(text: string, after: number): number {
  if (text[after] !== "[") return after;
  const close = text.indexOf("]", after);
  return close === -1 || close - after > 40 ? after : close + 1;
}

/** `5~10` is a range; any other tilde is a blank that does not break. */
function isRangeMark(text: string, at: number): boolean {
  return /[\d%]\s*$/.test(text.slice(Math.max(0, at - 3), at)) && /^~\s*[-\d$]/.test(text.slice(at, at + 4));
}

/**
 * What a wrapper holds, set off from its surroundings where a word would otherwise grow together with a number or
 * another word: `5\text{or}6`, `12\text{cm}`; but `\text{H}_2\text{O}` stays one word.
 */
function joined(before: string, inner: string, next: string, prose: boolean): string {
  const last = before.charCodeAt(before.length - 1);
  const first = inner.charCodeAt(0);
  const isWord = /^[^\W\d_]{2,}|^[^ -~]/.test(inner);
  const afterScript = /[_^](\{[^{}]*\}|.)$/.test(before.slice(-20));
  const isUnit = (isDigit(last) || before.endsWith("}") || before.endsWith(")")) && !afterScript && isLetter(first);
  const isApart = (isLetter(last) || before.endsWith(")")) && isWord && first > 96;
  const leading = isUnit || isApart || (isDigit(last) && first > 127 && prose) ? " " : "";
  const trailing = isWord && /[A-Za-z\d]/.test(next) && first > 96 ? " " : "";
  return leading + inner + trailing;
}
