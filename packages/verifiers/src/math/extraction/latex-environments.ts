/**
 * LaTeX environments in running text: `$$..$$`, `\[..\]`, `$..$`, `\(..\)`, ` [..] `, and a bare `\frac{1}{2}`; up to
 * six of them joined by "and", "or" or commas. What the regular expressions of Math-Verify 0.9 match, found in time
 * linear in the text.
 */
import { BLANK } from "../text";
import { PERCENT, raw } from "./anchors";

export interface Environment {
  readonly content: string;
  readonly percent?: string | undefined;
  readonly end: number;
}

function sticky(source: string): RegExp {
  return new RegExp(source, "uy");
}

/** What opens an environment. */
const OPENING = sticky(raw`(?<!\\)(?:\$\$|\\[[(])|(?<![\\\d])\$|${BLANK}\[`);
/**
 * What ends the search for the end of an environment, by its opening (a bracket after a blank has its own); it is that
 * end only where the group takes part.
 */
const ENDS: Readonly<Record<string, RegExp | undefined>> = {
  $$: /(?<!\\)(\$\$)|\$\$/g,
  "\\[": /(?<!\\)(\\\])|\\\]/g,
  "\\(": /(?<!\\)(\\\))|\\\)|\n/g,
  $: /(?<!\\)(\$)|\n/g,
};
const BRACKET_END = new RegExp(raw`(\]${BLANK})|[[\]\n]`, "gu");
const ARGUMENT = raw`\{-?\d+(?:[.,]\d+)?\}`;
const FRACTION = sticky(raw`-?\\frac${ARGUMENT}${ARGUMENT}`);
const PER_CENT = sticky(raw`${BLANK}*(\\?${PERCENT})?`);
const CONNECTOR = sticky(`${BLANK}*(?:,?and|,?or|,)${BLANK}*`);
/** Environments that are read as one answer. */
const MOST_JOINED = 6;
/** The first character of what may be an environment, or a character that would look like a mark. */
const MARKABLE = new RegExp(raw`\$|\\(?=[[(f])|-(?=\\f)|${BLANK}(?=\[)|\0`, "gu");

/**
 * Finds the first match at or after a place, for ever larger places in time linear in the text, however often it is
 * asked.
 */
function finder(text: string, wanted: RegExp): (at: number) => RegExpExecArray | null {
  let from = Infinity;
  let found: RegExpExecArray | null = null;
  return (at) => {
    if (at < from || (found && found.index < at)) {
      wanted.lastIndex = from = at;
      found = wanted.exec(text);
    }
    return found;
  };
}

/** The environments joined at a place, from left to right. */
export type GroupAt = (start: number) => Environment[];

/** Marks environments from a place on. */
export type MarkFrom = (from: number) => string;

/**
 * The environments of a text: any, or only those that hold a `\boxed{..}`.
 *
 * @returns the text with a NUL in place of the first character of every environment from a place on and nowhere else
 * after it, for patterns that know nothing of environments; and the groups
 */
export function environmentsOf(text: string, boxed: boolean): readonly [MarkFrom, GroupAt] {
  const ends: Record<string, ReturnType<typeof finder>> = {};
  const box = finder(text, /\\boxed\{/g);
  const brace = finder(text, /\}/g);

  const holdsBox = (from: number, to: number): boolean => {
    const open = box(from);
    const close = open ? brace(open.index + 8) : null;
    return close !== null && close.index < to;
  };

  /** The content and the end of the one environment that begins at `start`. */
  const environmentAt = (start: number): readonly [content: string, end: number] | undefined => {
    OPENING.lastIndex = FRACTION.lastIndex = start;
    const opening = OPENING.exec(text)?.[0];
    if (!opening) {
      const isFraction = !boxed && FRACTION.test(text);
      return isFraction ? [text.slice(start, FRACTION.lastIndex), FRACTION.lastIndex] : undefined;
    }
    const from = OPENING.lastIndex;
    ends[opening] ??= finder(text, ENDS[opening] ?? BRACKET_END);
    const end = ends[opening](from);
    if (!end?.[1] || end.index <= from) return undefined;
    if (boxed && !holdsBox(from, end.index)) return undefined;
    return [text.slice(from, end.index), end.index + end[1].length];
  };

  const markFrom: MarkFrom = (from) => {
    const mark = (_: string, offset: number): string => (environmentAt(from + offset) ? "\0" : ".");
    return text.slice(0, from) + text.slice(from).replace(MARKABLE, mark);
  };

  const groupAt: GroupAt = (start) => {
    const items: Environment[] = [];
    for (let found = environmentAt(start); found !== undefined;) {
      const [content, close] = found;
      PER_CENT.lastIndex = close;
      const [, percent] = PER_CENT.exec(text)!;
      const end = PER_CENT.lastIndex;
      items.push({ content, percent, end });
      CONNECTOR.lastIndex = end;
      if (items.length === MOST_JOINED || !CONNECTOR.test(text)) break;
      const next = CONNECTOR.lastIndex;
      // A bracket counts from the blank before it, which may be the last that the connector took.
      found = environmentAt(next) ?? environmentAt(next - 1);
    }
    return items;
  };

  return [markFrom, groupAt];
}
