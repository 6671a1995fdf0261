/**
 * LaTeX environments in running text: `$$..$$`, `\[..\]`, `$..$`, `\(..\)`, ` [..] `, and a bare `\frac{1}{2}`; up to six of them joined by
 * "and", "or" or commas. What the regular expressions of Math-Verify 0.9 match, found in time linear in the text.
 */
import { BLANK, PERCENT, raw } from "./anchors";

export interface Environment {
  readonly content: string;
  readonly percent?: string | undefined;
  readonly end: number;
}

const sticky = (source: string): RegExp => new RegExp(source, "uy");

/** What opens an environment, and what ends the search for its end: that is one only where the group takes part. */
const KINDS = (
  [
    [raw`(?<!\\)\$\$`, /(?<!\\)(\$\$)|\$\$/g],
    [raw`(?<!\\)\\\[`, /(?<!\\)(\\\])|\\\]/g],
    [raw`(?<!\\)\\\(`, /(?<!\\)(\\\))|\\\)|\n/g],
    [raw`(?<![\\\d])\$`, /(?<!\\)(\$)|\n/g],
    [raw`${BLANK}\[`, new RegExp(raw`(\]${BLANK})|[[\]\n]`, "gu")],
  ] as const
).map(([opening, end]) => [sticky(opening), end] as const);
const ARGUMENT = raw`\{-?\d+(?:[.,]\d+)?\}`;
const FRACTION = sticky(raw`-?\\frac${ARGUMENT}${ARGUMENT}`);
const PER_CENT = sticky(raw`${BLANK}*(\\?${PERCENT})?`);
const CONNECTOR = sticky(`${BLANK}*(?:,?and|,?or|,)${BLANK}*`);
/** The first character of what may be an environment, or of what marks one. */
const OPENING = new RegExp(raw`\$|\\(?=[[(f])|-(?=\\f)|${BLANK}(?=\[)|\0`, "gu");

/** Finds the first match at or after a place, for ever larger places in time linear in the text, however often it is asked. */
const finder = (text: string, wanted: RegExp): ((at: number) => RegExpExecArray | null) => {
  let from = Infinity;
  let found: RegExpExecArray | null = null;
  return (at) => {
    if (at < from || (found && found.index < at)) {
      wanted.lastIndex = from = at;
      found = wanted.exec(text);
    }
    return found;
  };
};

/** The environments joined at a place, from left to right. */
export type GroupAt = (start: number) => Environment[];

/**
 * The environments of a text: any, or only those that hold a `\boxed{..}`.
 *
 * @returns the text with a NUL in place of the first character of every environment and nowhere else, for patterns that know nothing
 * of environments; and the groups
 */
export const environmentsOf = (text: string, boxed: boolean): readonly [marked: string, groupAt: GroupAt] => {
  const kinds = KINDS.map(([opening, end]) => [opening, finder(text, end)] as const);
  const box = finder(text, /\\boxed\{/g);
  const brace = finder(text, /\}/g);

  const finish = (content: string, place: number): Environment => {
    PER_CENT.lastIndex = place;
    const match = PER_CENT.exec(text)!;
    return { content, percent: match[1], end: PER_CENT.lastIndex };
  };

  const holdsBox = (from: number, to: number): boolean => {
    const open = box(from);
    const close = open && brace(open.index + 8);
    return !!close && close.index < to;
  };

  /** The one environment that begins at `start`. */
  const at = (start: number): Environment | undefined => {
    for (const [opening, endAfter] of kinds) {
      opening.lastIndex = start;
      if (opening.test(text)) {
        const from = opening.lastIndex;
        const end = endAfter(from);
        if (end?.[1] && end.index > from && (!boxed || holdsBox(from, end.index))) return finish(text.slice(from, end.index), end.index + end[1].length);
      }
    }
    FRACTION.lastIndex = start;
    return !boxed && FRACTION.test(text) ? finish(text.slice(start, FRACTION.lastIndex), FRACTION.lastIndex) : undefined;
  };

  return [
    text.replace(OPENING, (_, start: number) => (at(start) ? "\0" : ".")),
    (start) => {
      const items: Environment[] = [];
      for (let item = at(start); item; ) {
        items.push(item);
        CONNECTOR.lastIndex = item.end;
        // A bracket counts from the blank before it, which may be the last that the connector took.
        item = items.length < 6 && CONNECTOR.test(text) ? (at(CONNECTOR.lastIndex) ?? at(CONNECTOR.lastIndex - 1)) : undefined;
      }
      return items;
    },
  ];
};
