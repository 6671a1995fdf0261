/** What stands before a value: `x = 3`, `∠ABC = 60°`, `Area: 12 cm²`, `P(3, -4)`, and chains like `x = 2 · 3 = 6`. */
import { commandAt } from "../normalize/scan";

/** A relation at the top level of a text, and the sides around it. */
export interface Relations {
  /** One more than there are operators. */
  readonly sides: readonly string[];
  readonly operators: readonly string[];
}

const OPERATORS = ["<=", ">=", "!=", "==", "=", "<", ">"] as const;
const COMMANDS: Readonly<Record<string, string>> = {
  "\\le": "<=",
  "\\ge": ">=",
  "\\ne": "!=",
  "\\approx": "~=",
  "\\equiv": "=",
  "\\in": "in",
  "\\simeq": "~=",
  "\\doteq": "~=",
};

/** Splits a text at the relations outside of brackets. */
export function splitRelations(text: string): Relations {
  const sides: string[] = [];
  const operators: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    let length = 1;
    let operator: string | undefined;
    if (character === "\\") {
      const command = commandAt(text, at);
      length = command.length;
      if (command === "\\{" || command === "\\langle") depth++;
      else if (command === "\\}" || command === "\\rangle") depth--;
      else if (command === "\\begin") return { sides: [text], operators: [] };
      else operator = COMMANDS[command];
    } else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
    else {
      const found = OPERATORS.find((sign) => text.startsWith(sign, at));
      if (found !== undefined && !(found === ">" && text[at - 1] === "-") && !(found === "=" && text[at + 1] === ">")) {
        operator = found === "==" ? "=" : found;
        length = found.length;
      }
    }
    if (operator !== undefined && depth <= 0) {
      sides.push(text.slice(start, at).trim());
      operators.push(operator);
      start = at + length;
    }
    at += length;
  }
  sides.push(text.slice(start).trim());
  return { sides, operators };
}

const SYMBOL =
  /^(?:\\?[a-zA-Z]|\\[a-zA-Z]+)(?: ?_ ?(?:\{[^{}]*\}|\w|\\[a-zA-Z]+))?'{0,3}(?: ?\( ?[a-zA-Z](?: ?, ?[a-zA-Z])* ?\))?$/;
const NAME =
  /^(?:m ?)?\\?(?:angle|triangle|vec|odot|overline)? ?\{?[A-Z]{1,4}'?\}?(?:_\{[^{}]*\})?$|^\|\\?[a-zA-Z{} ]{1,12}\|$|^[A-Za-z](?:_\{?[^{}]*\}?)?\([A-Za-z\d, |]*\)$|^[A-Z](?: ?\\(?:cap|cup|setminus) ?[A-Z])+$|^\( ?[a-z](?: ?, ?[a-z])+ ?\)$|^[SVCA]_\{?\\?[a-zA-Z ]+\}?$|^(?:\\(?:sin|cos|tan|angle)|cos|sin|tan) ?\{?\\?[A-Za-z]{1,5}\}?$/;
const WORDS =
  /^(?!(?:not|no|never|either|or)\b)(?:[A-Za-z\u00c0-\u024f\u4e00-\u9fff][A-Za-z\u00c0-\u024f\u4e00-\u9fff'-]*)(?: [A-Za-z\u00c0-\u024f\u4e00-\u9fff'-]+){0,7}$/;

/**
 * What is worked out, as a name for its value: |3+4i|, \cos 120°, \frac{d}{dx}\ln x, a+b. But not 2x, whose value is not that of x.
 */
const TASK =
  /^\|.+\|$|^\\?(?:sin|cos|tan|cot|log|ln|lim|det|gcd|lcm|max|min)(?![a-z])|^\\(?:frac ?\{(?:d|\\partial)|int|sum|prod|lim)|^[a-z](?: ?[+*/-] ?[a-z])+$|^[a-z]{2,3}$|^(?:\\(?:frac|cdot|times|angle|sqrt)|[A-Z{}()+*/ -])+$/;

/** Whether a text names a value without being one: a variable, an angle, a word. */
export const isLabel = (text: string): boolean =>
  text.length <= 60 && (SYMBOL.test(text) || NAME.test(text) || WORDS.test(text) || TASK.test(text));
/** Whether a text is a variable, with subscript or applied to variables. */
export const isSymbol = (text: string): boolean => SYMBOL.test(text);

/** A label without blanks and braces, to be compared. */
export const labelKey = (label: string): string => label.replace(/[ {}\\]/g, "");

export interface Labeled {
  /** What the value is called, if the text says. */
  readonly label?: string;
  readonly value: string;
  /** Every other value that the text gives for the same thing: the exact one before "≈". */
  readonly others: readonly string[];
}

/**
 * Takes the label off a value.
 *
 * @example readLabel("x = 2+3 = 5") // { label: "x", value: "5", others: [] }
 */
export function readLabel(text: string): Labeled {
  const { sides, operators } = splitRelations(withoutModulus(text));
  if (operators.length > 0 && operators.every((operator) => operator === "=" || operator === "~=")) {
    const last = sides.at(-1)!;
    const first = sides[0]!;
    const others = sides.slice(0, -1).filter((side, i) => side !== "" && operators[i] === "~=" && !isLabel(side));
    if (first === "") return { value: last, others };
    if (isLabel(first) && !mentions(last, first)) return { label: first, value: last, others };
    // 5 = x
    if (operators.length === 1 && isSymbol(last) && !/[a-zA-Z]/.test(first.replace(/\\[a-z]+/g, "")))
      return { label: last, value: first, others: [] };
    if (others.length > 0) return { value: last, others };
    // An equation between two expressions has no label; a calculation that ends in a number has its result there.
    if (operators.length >= 1 && isCalculation(sides)) return { value: last, others };
    return { value: text, others: [] };
  }
  const colon = /^([^:]{1,60}?) ?: (.*)$/s.exec(text);
  if (colon !== null && isLabel(colon[1]!.trim()) && colon[2]!.trim() !== "")
    return { label: colon[1]!.trim(), value: colon[2]!.trim(), others: [] };
  const point = /^([A-Z]'?(?:_\{?\w+\}?)?) ?(\(.*\))$/s.exec(text);
  if (point !== null && point[2]!.includes(",")) return { label: point[1]!, value: point[2]!, others: [] };
  return { value: text, others: [] };
}

/**
 * Whether every side but the last is free of variables, and the last begins with a number: a calculation and its
 * result.
 */
const isCalculation = (sides: readonly string[]): boolean =>
  sides.every(
    (side, i) =>
      side !== "" && (i === sides.length - 1 ? /^[-+]?(?:[\d.$]|\\frac|\\sqrt)/.test(side) : !hasVariables(side)),
  );

const hasVariables = (side: string): boolean =>
  /[a-zA-Z]/.test(side.replace(/\\[a-zA-Z]+/g, "").replace(/\b(?:cm|mm|m|km|kg|g|s|h|min)\b/g, ""));

/** `7^{9999} \equiv 43 \pmod{100}` is about 43. */
const withoutModulus = (text: string): string =>
  text.replace(/\\pmod ?(?:\{[^{}]*\}|\d)|\(? ?\bmod ?\{?\d+\}? ?\)?$/, "").trim();

/** Whether the value still has the variable that is its label, so that the text is an equation to be solved. */
function mentions(value: string, label: string): boolean {
  const name = /^\\?[a-zA-Z]+/.exec(label)?.[0] ?? label;
  if (!SYMBOL.test(label) || (name.length > 1 && !name.startsWith("\\"))) return false;
  const bare = name.startsWith("\\") ? value : value.replace(/\\[a-zA-Z]+/g, " ");
  return bare.includes(name) && (name.startsWith("\\") || new RegExp(`(?<![a-zA-Z])${name}(?![a-zA-Z]{2})`).test(bare));
}
