/**
 * Type "interval": sets of real numbers, as intervals, unions, inequalities, chains, absolute values, or in words. All
 * become a union of intervals, so that `[2,5)` and `2 ≤ x < 5` compare in both directions. Ends may be any constants,
 * or letters where nothing has to be put in order.
 */
import { insideBrackets, splitOutside } from "../normalize/scan";
import { isSymbol, labelKey, splitRelations } from "./labels";

/** An end of an interval: a text, or infinite. */
export type End = string | "-oo" | "+oo";

export interface Interval {
  readonly low: End;
  readonly high: End;
  readonly lowOpen: boolean;
  readonly highOpen: boolean;
}

export interface RealSet {
  /** The variable that an inequality names. */
  readonly variable?: string;
  /** Disjoint, in ascending order where the ends are numbers. */
  readonly intervals: readonly Interval[];
}

/** Works out what an end is worth, for the order of ends; undefined for letters. */
export type Approximate = (text: string) => number | undefined;

const EVERYTHING: Interval = { low: "-oo", high: "+oo", lowOpen: true, highOpen: true };
const ALL =
  /^(?:\\mathbb ?\{? ?R ?\}?|(?:all|any|every) real (?:numbers?|values?)(?: of [a-z])?|all reals|the real numbers|R|全体实数|一切实数|任意实数|所有实数)$/i;
const UNION = / ?(?:\\cup|\bU\b|\bunion\b|\bor\b|或者?|∪) ?/y;
const BOTH = / ?(?:\\cap|\band\b|且|并且|&) ?/y;
const COMMA = / ?[,;] ?/y;

/** Reads a text that is a set of reals as a whole. `(1, 2)` alone is a point, and read only where `loose`. */
export function readRealSet(text: string, approximate: Approximate, loose = false): RealSet | undefined {
  if (text.length > 300) return undefined;
  const plain = stripped(text);
  if (ALL.test(plain.text)) return { ...plain.variable, intervals: [EVERYTHING] };
  const isMember = plain.variable.variable !== undefined && /\\in(?![a-z])/.test(text);
  if (!loose && !isMember && !isRelational(plain.text) && !isInterval(plain.text)) return undefined;
  const read = readUnion(plain.text, approximate);
  if (read === undefined) return undefined;
  const variable = plain.variable.variable ?? read.variable;
  return { ...(variable !== undefined && { variable }), intervals: read.intervals };
}

/** Whether a text has a relation other than equality, or words for one. */
const isRelational = (text: string): boolean => /[<>]|\\(?:le|ge|ne)(?![a-z])|!=/.test(inWords(text));
const isInterval = (text: string): boolean =>
  /\\infty|\\cup/.test(text) ? /^[([]|^\\\{|^\\mathbb/.test(text) : /^\([^()]*\]$|^\[[^[\]]*\)$/.test(text);

const SET_BUILDER = /^\\\{ ?(.+?) ?(?:\||:|\\in ?\\mathbb ?\{?R\}? ?\|) ?(.+?) ?\\\}$/s;

/** `{x | x > 3}`, whose braces may be gone. */
const PLAIN_BUILDER = /^(?:\\?\{ ?)?([a-zA-Z]) ?[|:] ?([^|]*(?:[<>]|\\(?:le|ge|ne)(?![a-z]))[^|]*?) ?(?:\\?\})?$/;

/** Takes off `x \in`, `\{x | ..\}` and words around. */
function stripped(text: string): { text: string; variable: { variable?: string } } {
  let rest = inWords(text)
    .replace(/, ?[a-z] ?\\in ?\\mathbb ?\{?[RZN]\}?$/, "")
    .trim();
  const builder = SET_BUILDER.exec(rest) ?? PLAIN_BUILDER.exec(rest);
  let variable: { variable?: string } = {};
  if (builder !== null) {
    const name = builder[1]!.replace(/ ?\\in.*$/, "").trim();
    if (isSymbol(name)) {
      variable = { variable: labelKey(name) };
      rest = builder[2]!.trim();
    }
  }
  const member = /^(\\?[a-zA-Z]+(?:_\{?\w+\}?)?(?:\([a-z]\))?) ?(?:\\in|=|:) ?(?=[([\\])(.*)$/s.exec(rest);
  if (member !== null && isSymbol(member[1]!))
    return { text: member[2]!.trim(), variable: { variable: labelKey(member[1]!) } };
  return { text: rest, variable };
}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [
    /(?:is |are |must be )?(?:greater than or equal to|at least|no less than|not less than|不小于|大于等于|大于或等于|至少)/gi,
    "\\ge ",
  ],
  [
    /(?:is |are |must be )?(?:less than or equal to|at most|no more than|no greater than|not more than|不大于|不超过|小于等于|小于或等于|至多)/gi,
    "\\le ",
  ],
  [/(?:is |are |must be )?(?:greater than|more than|larger than|大于)/gi, "> "],
  [/(?:is |are |must be )?(?:less than|smaller than|fewer than|小于)/gi, "< "],
  [/(?:is |are )?(?:not equal to|不等于)/gi, "\\ne "],
];

const EXCEPT =
  /^(?:(?:(?:all|any) real (?:numbers?|values?)|all reals)(?: of [a-z]| [a-z])?,? (?:except|excluding|other than)(?: for)?|\\mathbb ?\{? ?R ?\}? ?(?:\\setminus|\\backslash|-)|除) ?\\?\{?(.+?)(?:以?外的?(?:全体|所有|一切)实数)?\\?\}?$/i;

function inWords(written: string): string {
  const except = EXCEPT.exec(written);
  if (except !== null)
    return except[1]!
      .split(/ ?(?:,|\band\b|和) ?/)
      .map((value) => `\\ne ${value.replace(/^[a-z] ?= ?/, "")}`)
      .join(" and ");
  return inSigns(written);
}

function inSigns(text: string): string {
  if (!/[a-z]{4}|[大小至不]/i.test(text)) return text;
  return WORDS.reduce((out, [pattern, sign]) => out.replace(pattern, sign), text);
}

function readUnion(text: string, approximate: Approximate): RealSet | undefined {
  const parts = splitOutside(text, UNION);
  if (parts.length > 1) return combined(parts, approximate, "union");
  const both = splitOutside(text, BOTH);
  if (both.length > 1) return combined(both, approximate, "intersection");
  const listed = splitOutside(text, COMMA);
  if (listed.length > 1) return combined(listed, approximate, "list");
  return readOne(text.trim(), approximate);
}

function combined(
  parts: readonly string[],
  approximate: Approximate,
  how: "union" | "intersection" | "list",
): RealSet | undefined {
  const sets: RealSet[] = [];
  for (const part of parts) {
    const read = how === "union" ? readUnion(part, approximate) : readOne(part.trim(), approximate);
    if (read === undefined) return undefined;
    sets.push(read);
  }
  const names = new Set(sets.map(({ variable }) => variable).filter((name) => name !== undefined));
  if (names.size > 1) return undefined;
  const variable = [...names][0];
  const all = sets.flatMap(({ intervals }) => intervals);
  const shared = sets
    .slice(1)
    .reduce<readonly Interval[] | undefined>(
      (left, { intervals }) => left && intersection(left, intervals, approximate),
      sets[0]!.intervals,
    );
  // x < -2, x > 2 is a union: nothing is in both. x > 1, x < 3 is what is in both.
  const intervals = how === "union" || (how === "list" && shared?.length === 0) ? union(all, approximate) : shared;
  return intervals && { ...(variable !== undefined && { variable }), intervals };
}

function readOne(text: string, approximate: Approximate): RealSet | undefined {
  if (ALL.test(text)) return { intervals: [EVERYTHING] };
  const brackets = /^([([]) ?(.*?) ?([)\]])$/s.exec(text);
  if (brackets !== null && insideBracketsLoose(text)) {
    const ends = splitOutside(brackets[2]!, COMMA).map((end) => end.trim());
    if (ends.length === 2 && ends[0] !== "" && ends[1] !== "")
      return {
        intervals: [
          { low: endOf(ends[0]!), high: endOf(ends[1]!), lowOpen: brackets[1] === "(", highOpen: brackets[3] === ")" },
        ],
      };
    if (brackets[1] === "(" && brackets[3] === ")") return readUnion(brackets[2]!, approximate);
  }
  const points = insideBrackets(text);
  if (points?.open === "\\{")
    return { intervals: splitOutside(points.inner, COMMA).map((point) => pointAt(point.trim())) };
  return readInequality(text);
}

/** Whether the first bracket closes with the last, of whichever kind. */
function insideBracketsLoose(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if ("([{".includes(text[at]!)) depth++;
    else if (")]}".includes(text[at]!) && --depth === 0) return at === text.length - 1;
  }
  return false;
}

const pointAt = (point: string): Interval => ({ low: point, high: point, lowOpen: false, highOpen: false });

const endOf = (text: string): End =>
  /^\+? ?(?:\\infty|infinity|inf|oo)$/i.test(text)
    ? "+oo"
    : /^- ?(?:\\infty|infinity|inf|oo)$/i.test(text)
      ? "-oo"
      : text;

const FLIPPED: Readonly<Record<string, string>> = { "<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "=" };

function readInequality(text: string): RealSet | undefined {
  const { sides, operators } = splitRelations(text);
  if (operators.length === 1) {
    const [left, right] = sides as [string, string];
    const operator = operators[0]!;
    if (FLIPPED[operator] === undefined) return undefined;
    // "greater than 3" says its variable no more than an interval does.
    if (left === "") return setOf(operator, right);
    const size = /^(?:\||\\left\|)(.+)\|$/.exec(left);
    if (size !== null && isSymbol(size[1]!.trim())) return absoluteOf(labelKey(size[1]!.trim()), operator, right);
    if (isVariable(left)) return named(left, setOf(operator, right));
    return isVariable(right) ? named(right, setOf(FLIPPED[operator]!, left)) : undefined;
  }
  if (operators.length !== 2 || !isVariable(sides[1]!)) return undefined;
  const [first, second] = operators as [string, string];
  const rising = /^<=?$/.test(first) && /^<=?$/.test(second);
  const falling = /^>=?$/.test(first) && /^>=?$/.test(second);
  if (!rising && !falling) return undefined;
  const [low, high] = rising ? [sides[0]!, sides[2]!] : [sides[2]!, sides[0]!];
  const [lowSign, highSign] = rising ? [first, second] : [second, first];
  const interval = {
    low: endOf(low),
    high: endOf(high),
    lowOpen: lowSign.length === 1,
    highOpen: highSign.length === 1,
  };
  return { variable: labelKey(sides[1]!), intervals: [interval] };
}

const isVariable = (text: string): boolean =>
  isSymbol(text) || /^(?:\\angle ?)?[A-Z]{1,3}$|^[\u4e00-\u9fff]{1,6}$|^the [a-z ]{1,30}$/.test(text);
const named = (variable: string, set: RealSet | undefined): RealSet | undefined =>
  set && { ...set, variable: labelKey(variable) };

function setOf(operator: string, bound: string): RealSet | undefined {
  const end = bound.trim();
  if (end === "") return undefined;
  const below: Interval = { low: "-oo", high: end, lowOpen: true, highOpen: operator !== "<=" };
  const above: Interval = { low: end, high: "+oo", lowOpen: operator !== ">=", highOpen: true };
  if (operator === "=") return { intervals: [pointAt(end)] };
  return { intervals: operator === "!=" ? [below, above] : operator.startsWith("<") ? [below] : [above] };
}

function absoluteOf(variable: string, operator: string, bound: string): RealSet {
  const minus = /^[\d.\\]/.test(bound) ? `-${bound}` : `-(${bound})`;
  const open = operator.length === 1;
  const intervals: Interval[] = operator.startsWith("<")
    ? [{ low: minus, high: bound, lowOpen: open, highOpen: open }]
    : [
        { low: "-oo", high: minus, lowOpen: true, highOpen: open },
        { low: bound, high: "+oo", lowOpen: open, highOpen: true },
      ];
  return { variable, intervals };
}

const worth = (end: End, approximate: Approximate): number | undefined =>
  end === "-oo" ? -Infinity : end === "+oo" ? Infinity : approximate(end);

interface Sized extends Interval {
  readonly from: number;
  readonly to: number;
}

function sized(intervals: readonly Interval[], approximate: Approximate): Sized[] | undefined {
  const found: Sized[] = [];
  for (const interval of intervals) {
    const from = worth(interval.low, approximate);
    const to = worth(interval.high, approximate);
    if (from === undefined || to === undefined) return undefined;
    found.push({ ...interval, from, to });
  }
  return found.sort((a, b) => a.from - b.from || Number(a.lowOpen) - Number(b.lowOpen));
}

/** In ascending order, with what touches joined. What has letters at its ends stays as it is. */
function union(intervals: readonly Interval[], approximate: Approximate): readonly Interval[] {
  const sorted = sized(intervals, approximate);
  if (sorted === undefined) return intervals;
  const joined: Sized[] = [];
  for (const next of sorted) {
    const last = joined.at(-1);
    if (last === undefined || next.from > last.to || (next.from === last.to && next.lowOpen && last.highOpen))
      joined.push(next);
    else if (next.to > last.to || (next.to === last.to && !next.highOpen))
      joined[joined.length - 1] = { ...last, high: next.high, highOpen: next.highOpen, to: next.to };
  }
  return joined.map(({ low, high, lowOpen, highOpen }) => ({ low, high, lowOpen, highOpen }));
}

function intersection(
  left: readonly Interval[],
  right: readonly Interval[],
  approximate: Approximate,
): readonly Interval[] | undefined {
  const [a, b] = [sized(left, approximate), sized(right, approximate)];
  if (a === undefined || b === undefined) return undefined;
  const found: Interval[] = [];
  for (const one of a)
    for (const other of b) {
      const lower = one.from > other.from || (one.from === other.from && one.lowOpen) ? one : other;
      const upper = one.to < other.to || (one.to === other.to && one.highOpen) ? one : other;
      if (lower.from > upper.to || (lower.from === upper.to && (lower.lowOpen || upper.highOpen))) continue;
      found.push({ low: lower.low, high: upper.high, lowOpen: lower.lowOpen, highOpen: upper.highOpen });
    }
  return found;
}

/** Why two sets are not equal; undefined when they are. */
export function realSetDifference(
  gold: RealSet,
  answer: RealSet,
  isSameEnd: (gold: string, answer: string) => boolean,
): string | undefined {
  if (gold.variable !== undefined && answer.variable !== undefined && gold.variable !== answer.variable)
    return `the variable is ${gold.variable}, not ${answer.variable}`;
  if (gold.intervals.length !== answer.intervals.length)
    return `${gold.intervals.length} intervals are not ${answer.intervals.length}`;
  for (const [i, interval] of gold.intervals.entries()) {
    const other = answer.intervals[i]!;
    if (interval.lowOpen !== other.lowOpen || interval.highOpen !== other.highOpen)
      return "an end is open on one side only";
    for (const [end, otherEnd] of [
      [interval.low, other.low],
      [interval.high, other.high],
    ] as const) {
      const isInfinite = end === "-oo" || end === "+oo" || otherEnd === "-oo" || otherEnd === "+oo";
      if (isInfinite ? end !== otherEnd : !isSameEnd(end, otherEnd)) return `the end ${end} is not ${otherEnd}`;
    }
  }
  return undefined;
}
