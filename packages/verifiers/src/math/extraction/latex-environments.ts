/**
 * LaTeX environments in running text: `$$..$$`, `\[..\]`, `$..$`, `\(..\)`, ` [..] `, and a bare `\frac{1}{2}`; up to six of them joined by
 * "and", "or" or commas. What the regular expressions of Math-Verify 0.9 match, found in time linear in the text.
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
/** What ends the search for the end of an environment, by its opening (a bracket after a blank has its own); it is that end only where the group takes part. */
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
/** The first character of what may be an environment, or a character that would look like a mark. */
const MARKABLE = new RegExp(raw`\$|\\(?=[[(f])|-(?=\\f)|${BLANK}(?=\[)|\0`, "gu");

/** Finds the first match at or after a place, for ever larger places in time linear in the text, however often it is asked. */
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
 * @returns the text with a NUL in place of the first character of every environment from a place on and nowhere else after it, for
 * patterns that know nothing of environments; and the groups
 */
export function environmentsOf(text: string, boxed: boolean): readonly [MarkFrom, GroupAt] {
  const ends: Record<string, ReturnType<typeof finder>> = {};
  const box = finder(text, /\\boxed\{/g);
  const brace = finder(text, /\}/g);

  const holdsBox = (from: number, to: number): boolean => {
    const open = box(from);
    const close = open && brace(open.index + 8);
    return !!close && close.index < to;
  };

  /** The content and the end of the one environment that begins at `start`. */
  const at = (start: number): readonly [content: string, end: number] | false => {
    OPENING.lastIndex = FRACTION.lastIndex = start;
    const opening = OPENING.exec(text)?.[0];
    if (!opening) return !boxed && FRACTION.test(text) && [text.slice(start, FRACTION.lastIndex), FRACTION.lastIndex];
    const from = OPENING.lastIndex;
    const end = (ends[opening] ??= finder(text, ENDS[opening] ?? BRACKET_END))(from);
    return (
      !!end?.[1] &&
      end.index > from &&
      (!boxed || holdsBox(from, end.index)) && [text.slice(from, end.index), end.index + end[1].length]
    );
  };

  return [
    (from) =>
      text.slice(0, from) + text.slice(from).replace(MARKABLE, (_, start: number) => (at(from + start) ? "\0" : ".")),
    (start) => {
      const items: Environment[] = [];
      for (let found = at(start); found;) {
        const [content, close] = found;
        PER_CENT.lastIndex = close;
        const [, percent] = PER_CENT.exec(text)!;
        const end = (CONNECTOR.lastIndex = PER_CENT.lastIndex);
        items.push({ content, percent, end });
        // A bracket counts from the blank before it, which may be the last that the connector took.
        found = items.length < 6 && CONNECTOR.test(text) && (at(CONNECTOR.lastIndex) || at(CONNECTOR.lastIndex - 1));
      }
      return items;
    },
  ];
}
