/**
 * Stage 3, normalize: from the text as located to the text as it is read, step by step. The steps know nothing of
 * types, so that a gold answer and a response are treated alike.
 */
import { normalizeCharacters } from "./characters";
import { stripDelimiters, stripMarkdown } from "./delimiters";
import { stripLatex } from "./latex";
import { insideBrackets } from "./scan";

/** A text on its way: what each step made of it, for `explain`. */
export interface Normalized {
  /** As it was located. */
  readonly written: string;
  /** As it is read. */
  readonly text: string;
  /** The steps that changed it. */
  readonly steps: readonly { readonly step: string; readonly text: string }[];
}

/** Longer answers are read as words only: nobody writes a formula of a page. */
const LONGEST_FORMULA = 2000;

const STEPS: readonly (readonly [step: string, apply: (text: string) => string])[] = [
  ["characters", normalizeCharacters],
  ["markdown", stripMarkdown],
  ["math delimiters", stripDelimiters],
  ["LaTeX typography", stripLatex],
  ["edges", trimEdges],
];

/**
 * Brings an answer into the form that the types read.
 *
 * @example normalize("**$\\text{12 cm}$.**").text // "12 cm"
 */
export function normalize(written: string): Normalized {
  const steps: { step: string; text: string }[] = [];
  let text = written;
  for (const [step, apply] of written.length > LONGEST_FORMULA ? STEPS.slice(0, 1) : STEPS) {
    const next = apply(text);
    if (next !== text) steps.push({ step, text: next });
    text = next;
  }
  return { written, text: text.trim(), steps };
}

const QUOTES = "\"'`";
const DROPPED_ENDS = ".,;:";
const LEADING = /^(?:[=:]|\\to(?![a-z])|->|=>|\\Rightarrow|\\implies|\\approx(?![a-z])(?=\s*$)|\\\\)\s*/;

/** "B です", "B입니다": verbs that end a sentence where they stand behind what it says. */
const COPULA = /(?<=\S) ?(?:です|でした|である|だ|になります|となります|입니다|이다|이에요|예요)$/;

/**
 * Punctuation, quotes and braces around the whole text. A closing dot goes, an ellipsis stays; an exclamation mark goes
 * after a word and stays after a number, where it may be a factorial.
 */
export function trimEdges(text: string): string {
  let out = text.replace(/ {2,}/g, " ").trim();
  for (let before = ""; before !== out;) {
    before = out;
    out = withoutEnd(out).replace(LEADING, "").replace(COPULA, "").trim() || out;
    const first = out[0];
    if (out.length >= 2 && first === out.at(-1) && QUOTES.includes(first!) && !out.slice(1, -1).includes(first!))
      out = out.slice(1, -1).trim();
    else if (first === "{" && insideBrackets(out)?.close === "}") out = out.slice(1, -1).trim();
  }
  return out;
}

function withoutEnd(text: string): string {
  let end = text.length;
  for (; end > 0; end--) {
    const character = text[end - 1]!;
    if (character === " " || character === "\n") continue;
    if (DROPPED_ENDS.includes(character) && !text.slice(0, end).endsWith("...")) continue;
    if (character === "!" && /[^\W\d]{2}!$|[^ -~]!$/.test(text.slice(Math.max(0, end - 4), end))) continue;
    if (character === "\\" && text[end - 2] === "\\") {
      end--;
      continue;
    }
    break;
  }
  return text.slice(0, end);
}
