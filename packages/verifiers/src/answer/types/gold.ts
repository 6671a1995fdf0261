/**
 * Stage 2, type: what kind of answer a gold answer is, by its form. The kinds are tried in this order, and the first
 * that reads the whole text wins; a sample may name another (`verifier_parm.type`).
 */
import { type CalendarDate, type ClockTime, readDate, readTime } from "./calendar";
import {
  expandItems,
  plusMinus,
  readItems,
  readMatrix,
  readParts,
  readRecord,
  readSequence,
  readSet,
  readTuple,
  type Named,
  type Tuple,
  commonName,
  withoutCommonName,
} from "./collections";
import { type Compound, isDuration, readCompound } from "./compound";
import { readLabel, splitRelations } from "./labels";
import { type Choice, readGoldChoice } from "./letters";
import { type Meaning, readGoldMeaning } from "./meanings";
import { isMath, toLatex } from "./math-text";
import { type Quantity, readGoldQuantity } from "./quantity";
import { type Range, readLooseRatio, readRange, readRatio } from "./ratio";
import { type Approximate, readRealSet, type RealSet } from "./real-set";
import { isCode } from "./words";

/** The types a sample may name in `verifier_parm.type`. */
export const ANSWER_TYPES = [
  "number",
  "expression",
  "equation",
  "interval",
  "list",
  "tuple",
  "matrix",
  "choice",
  "date",
  "time",
  "duration",
  "compound",
  "ratio",
  "range",
  "code",
  "word",
] as const;
export type AnswerTypeName = (typeof ANSWER_TYPES)[number];

/** A gold answer as it was read. `text` is the normalized text. */
export type Gold = { readonly text: string } & (
  | { readonly type: "number"; readonly quantity: Quantity; readonly label?: string }
  | { readonly type: "expression"; readonly latex: string }
  | { readonly type: "equation"; readonly label?: string; readonly value: string }
  | { readonly type: "interval"; readonly set: RealSet }
  | {
      readonly type: "list";
      readonly items: readonly string[];
      readonly record?: readonly Named[];
      readonly name?: string;
    }
  | { readonly type: "tuple"; readonly tuple: Tuple }
  | { readonly type: "matrix"; readonly rows: readonly (readonly string[])[] }
  | { readonly type: "choice"; readonly choice: Choice; readonly options?: readonly string[] }
  | { readonly type: "date"; readonly date: CalendarDate }
  | { readonly type: "time"; readonly time: ClockTime }
  | { readonly type: "duration" | "compound"; readonly compound: Compound }
  | { readonly type: "ratio"; readonly terms: readonly string[] }
  | { readonly type: "range"; readonly range: Range }
  | { readonly type: "code" }
  | { readonly type: "word"; readonly meaning?: Meaning }
);

/** One way to read a gold answer; undefined where the text is nothing of the kind. */
type Reader = (text: string, approximate: Approximate) => Gold | undefined;

/** Reads a text as each type. */
const READERS: Readonly<Record<AnswerTypeName, Reader>> = {
  number: (text) => {
    const quantity = readGoldQuantity(text);
    if (quantity !== undefined) return { type: "number", text, quantity };
    const { label, value } = readLabel(text);
    const labeled = label === undefined ? undefined : readGoldQuantity(value);
    return labeled && { type: "number", text, quantity: labeled, label: label! };
  },
  expression: (text) =>
    isMath(text) && !isEquation(text) ? { type: "expression", text, latex: toLatex(text) } : undefined,
  equation: (text) => {
    if (!isEquation(text)) return undefined;
    const { label, value } = readLabel(text);
    return { type: "equation", text, value, ...(label !== undefined && { label }) };
  },
  interval: (text, approximate) => {
    const set = readRealSet(text, approximate);
    return set && { type: "interval", text, set };
  },
  list: (text) => {
    const items = readSet(text) ?? readItems(text) ?? plusMinus(text);
    return items && listOf(text, items);
  },
  tuple: (text) => {
    const parts = readParts(text) ?? readSequence(text);
    if (parts !== undefined) return { type: "tuple", text, tuple: { open: "parts", items: parts } };
    const tuple = readTuple(text);
    if (tuple === undefined) return undefined;
    // [Gambia, Niger] and [1, 2, 3] are lists; [2, 5] may be an interval.
    return tuple.open === "[" && (tuple.items.length > 2 || !tuple.items.every(isMathOrNumber))
      ? listOf(text, tuple.items)
      : { type: "tuple", text, tuple };
  },
  matrix: (text) => {
    const rows = readMatrix(text);
    return rows && { type: "matrix", text, rows };
  },
  choice: (text) => {
    const choice = readGoldChoice(text);
    return choice && { type: "choice", text, choice };
  },
  date: (text) => {
    const date = readDate(text);
    return date && { type: "date", text, date };
  },
  time: (text) => {
    const time = readTime(text);
    return time && { type: "time", text, time };
  },
  duration: (text) => {
    const compound = readCompound(text);
    return compound && isDuration(compound) ? { type: "duration", text, compound } : undefined;
  },
  compound: (text) => {
    const compound = readCompound(text);
    return compound && { type: "compound", text, compound };
  },
  ratio: (text) => {
    const terms = readRatio(text) ?? (/^\d+ to \d+$/.test(text) ? readLooseRatio(text) : undefined);
    return terms && { type: "ratio", text, terms };
  },
  range: (text) => {
    const range = readRange(text);
    return range && { type: "range", text, range };
  },
  code: (text) => (isCode(text) ? { type: "code", text } : undefined),
  word: (text) => {
    const meaning = readGoldMeaning(text);
    return { type: "word", text, ...(meaning !== undefined && { meaning }) };
  },
};

/** △DEF: the name of a figure. */
const figure: Reader = (text) => (/^\\(?:triangle|odot) ?[A-Z]{1,4}$/.test(text) ? { type: "word", text } : undefined);
const meant: Reader = (text) => (readGoldMeaning(text) === undefined ? undefined : READERS.word(text, () => undefined));
const realLine: Reader = (text, approximate) => READERS.interval(text, approximate);
const onlyNumber: Reader = (text) => {
  const gold = READERS.number(text, () => undefined);
  return gold?.type === "number" && gold.label === undefined ? gold : undefined;
};

/** The order by form: what has marks of its own comes before what could be anything. */
const ORDER: readonly Reader[] = [
  meant,
  figure,
  READERS.matrix,
  READERS.date,
  READERS.time,
  READERS.code,
  READERS.range,
  onlyNumber,
  READERS.duration,
  READERS.compound,
  READERS.ratio,
  READERS.choice,
  realLine,
  READERS.tuple,
  READERS.list,
  READERS.number,
  READERS.equation,
  READERS.expression,
  READERS.word,
];

/** Longer gold answers are words. */
const LONGEST_VALUE = 2000;

/**
 * Types a gold answer.
 *
 * @param type what the sample says it is; the form decides when absent
 * @returns undefined when the text is nothing of the type that the sample says
 */
export function readGold(text: string, approximate: Approximate, type?: AnswerTypeName): Gold | undefined {
  if (text.length > LONGEST_VALUE) return type === undefined ? READERS.word(text, approximate) : undefined;
  if (type !== undefined) return readAs(type, text, approximate);
  for (const read of ORDER) {
    const gold = read(text, approximate);
    if (gold !== undefined) return gold;
  }
  return undefined;
}

function readAs(type: AnswerTypeName, text: string, approximate: Approximate): Gold | undefined {
  if (type === "code" || type === "word") return type === "word" ? READERS.word(text, approximate) : { type, text };
  if (type === "interval") {
    const set = readRealSet(text, approximate, true);
    return set && { type, text, set };
  }
  if (type === "list" && READERS.list(text, approximate) === undefined) {
    const tuple = readTuple(text);
    return listOf(text, tuple?.items ?? [text]);
  }
  if (type === "tuple" && READERS.tuple(text, approximate) === undefined) {
    const items = readItems(text);
    return items && { type, text, tuple: { open: "(", items } };
  }
  return READERS[type](text, approximate);
}

function listOf(text: string, written: readonly string[]): Gold {
  const items = expandItems(written);
  const record = readRecord(items);
  const name = record === undefined ? commonName(items) : undefined;
  return {
    type: "list",
    text,
    ...(name !== undefined && { name }),
    items: record === undefined ? withoutCommonName(items) : items,
    ...(record !== undefined && { record }),
  };
}

const isEquation = (text: string): boolean => {
  const { operators } = splitRelations(text);
  return operators.length > 0 && operators.every((operator) => operator === "=") && isMath(text);
};

const isMathOrNumber = (text: string): boolean =>
  isMath(text) || readGoldQuantity(text) !== undefined || /^[a-z]$/.test(text);
