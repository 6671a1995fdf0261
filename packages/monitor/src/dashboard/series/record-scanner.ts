/**
 * Reads lines of metrics.jsonl from bytes, ten times as fast as JSON.parse, which makes an object of every line and a
 * string of every name. The file of a long run has a gigabyte; open-run.bench.ts measures how soon the page shows it.
 *
 * A run writes the same names in the same order step after step:
 *
 *   {"step":12,"split":"train","scope":"source","name":"clevr","task":"counting","metrics":{"correct/ratio":0.5,..},"reasons":{..}}
 *             └ header: the same at every step, it decides the stream                      └ column: a name, then a number
 *
 * So the scanner remembers each header (a `Layout`) with its names (`Column`s), and for each of them which one came
 * next the last time. It compares the bytes of a line with what it expects, four at a time, and parses only the step,
 * the numbers and what it has not seen before. Nothing of a line is stored before the whole line has been read.
 *
 * A line that is written in any other way (spaces, escapes, another order of keys) goes through JSON.parse and means
 * the same: record-scanner.test.ts compares the two.
 */
import { parseRecordLine } from "../../record-line";
import { decimalNumber, LARGEST_HEAD, MOST_EXPONENT, TAIL_DIGITS } from "./decimal-number";
import type { GrowingSeries } from "./growing-series";
import { isStep, type MetricStream, type MetricStreams } from "./metric-streams";

const LINE_BREAK = 10;
const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const COLON = 58;
const UPPER_E = 69;
const BACKSLASH = 92;
const LOWER_E = 101;
const CLOSE = 125;

/** Expected bytes, as words of four. If the length is no multiple of four, the last word overlaps the one before it. */
interface Part {
  readonly length: number;
  readonly words: Int32Array;
}

function part(text: string | Uint8Array): Part {
  const bytes = Buffer.from(text);
  const whole = Math.ceil(bytes.length / WORD);
  return {
    length: bytes.length,
    words: Int32Array.from({ length: whole }, (_, index) =>
      bytes.readInt32LE(Math.min(index * WORD, bytes.length - WORD)),
    ),
  };
}

const WORD = 4;
const START = part('{"step":');
const REASONS = part(',"reasons":{');
const METRICS = Buffer.from('"metrics":{');
const WORDS: readonly (readonly [Part, number])[] = [
  [part('"NaN"'), Number.NaN],
  [part('"Infinity"'), Infinity],
  [part('"-Infinity"'), -Infinity],
];
/** Numbers per line; JSON.parse reads a longer line. */
const MOST_COLUMNS = 4_096;
/** Headers, and names per header, that are remembered; a run has a few hundred. */
const MOST_REMEMBERED = 20_000;
/** Bytes in which a header must end. */
const LONGEST_HEADER = 4_096;
/**
 * Words of four fraction digits that go into the head of a number; the digits after them go into its tail
 * (decimal-number.ts).
 */
const HEAD_WORDS = 3;

/** A metric of a stream. */
interface Column {
  /** `"correct/ratio":` */
  readonly name: Part;
  /** undefined if the run has too many series; its numbers are then dropped. */
  readonly series: GrowingSeries | undefined;
  /** The column that came next in the previous line. */
  next: Column | undefined;
}

/** All lines of one stream: they have the same header. */
interface Layout {
  readonly header: Part;
  readonly stream: MetricStream;
  readonly task: string | undefined;
  readonly isTraining: boolean;
  readonly columns: Map<string, Column>;
  /** The column that came first in the previous line. */
  first: Column | undefined;
  /** The layout of the line that came next the last time. */
  next: Layout | undefined;
}

/** Whether the expected bytes are at a place. */
function matches({ length, words }: Part, view: DataView, at: number): boolean {
  const last = words.length - 1;
  for (let index = 0; index < last; index += 1)
    if (view.getInt32(at + index * WORD, true) !== words[index]) return false;
  return view.getInt32(at + length - WORD, true) === words[last];
}

/** Four digits as a number, -1 if they are not all digits: in one word (D. Lemire, "Quickly parsing eight digits"). */
function fourDigits(view: DataView, at: number): number {
  const word = view.getInt32(at, true);
  const digits = word - 0x30303030;
  if (((word & 0xf0f0f0f0) ^ 0x30303030) !== 0 || (((word + 0x06060606) & 0xf0f0f0f0) ^ 0x30303030) !== 0) return -1;
  const pairs = (digits * 10 + (digits >>> 8)) & 0x00ff00ff;
  return (pairs & 0xff) * 100 + (pairs >>> 16);
}

/** Adds the records of lines to a run's streams. */
export class RecordScanner {
  readonly #streams: MetricStreams;
  readonly #layouts = new Map<string, Layout>();
  /** The layout of the previous line. */
  #last: Layout | undefined;
  /** The columns and numbers of the line that is being read. */
  readonly #lineColumns: (Column | undefined)[] = [];
  readonly #lineValues = new Float64Array(MOST_COLUMNS);
  /** Where the number that `#numberAt` read ends; 0 if there was none. */
  #end = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(streams: MetricStreams) {
    this.#streams = streams;
  }

  /**
   * Reads whole lines.
   *
   * @param to after a line break
   * @returns how many of them were no records
   */
  read(bytes: Buffer, from: number, to: number): number {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let bad = 0;
    for (let at = from; at < to;) {
      const next = this.#scanLine(at);
      if (next > 0) {
        at = next;
        continue;
      }
      const end = bytes.indexOf(LINE_BREAK, at);
      const text = bytes.toString("utf8", at, end);
      at = end + 1;
      if (text.trim() === "") continue;
      const record = parseRecordLine(text);
      if (record === null) bad += 1;
      else this.#streams.take(record);
    }
    return bad;
  }

  /** @returns where the next line starts; 0 if this line is written in another way, of which nothing is stored then */
  #scanLine(from: number): number {
    try {
      return this.#scanUsualLine(from);
    } catch (error) {
      // A word was compared that lies past the buffer's end.
      if (error instanceof RangeError) return 0;
      throw error;
    }
  }

  #scanUsualLine(from: number): number {
    const bytes = this.#bytes;
    const view = this.#view;
    if (!matches(START, view, from)) return 0;
    let at = from + START.length;
    let step = 0;
    const digitsFrom = at;
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[at]! - ZERO) {
      step = step * 10 + digit;
      at += 1;
    }
    if (at === digitsFrom || (bytes[digitsFrom] === ZERO && at > digitsFrom + 1) || !isStep(step)) return 0;
    let layout = this.#last?.next;
    if (layout === undefined || !matches(layout.header, view, at)) {
      layout = this.#layoutAt(at);
      if (layout === undefined) return 0;
      if (this.#last !== undefined) this.#last.next = layout;
    }
    at += layout.header.length;

    const lineColumns = this.#lineColumns;
    let count = 0;
    let before: Column | undefined;
    let mark = bytes[at];
    if (mark === CLOSE) at += 1;
    while (mark !== CLOSE) {
      let column: Column | undefined = before === undefined ? layout.first : before.next;
      if (column === undefined || !matches(column.name, view, at)) {
        column = this.#columnAt(layout, at);
        if (column === undefined) return 0;
        if (before === undefined) layout.first = column;
        else before.next = column;
      }
      const value = this.#numberAt(at + column.name.length);
      at = this.#end;
      if (at === 0 || count === MOST_COLUMNS) return 0;
      lineColumns[count] = column;
      this.#lineValues[count] = value;
      count += 1;
      before = column;
      mark = bytes[at];
      at += 1;
      if (mark !== COMMA && mark !== CLOSE) return 0;
    }
    let reasons: string | undefined;
    if (bytes[at] === COMMA) {
      if (!matches(REASONS, view, at)) return 0;
      const end = bytes.indexOf(LINE_BREAK, at);
      if (bytes[end - 1] !== CLOSE || bytes[end - 2] !== CLOSE) return 0;
      reasons = bytes.toString("utf8", at + REASONS.length - 1, end - 1);
      at = end - 1;
    }
    if (bytes[at] !== CLOSE || bytes[at + 1] !== LINE_BREAK) return 0;

    for (let index = 0; index < count; index += 1) lineColumns[index]!.series?.push(step, this.#lineValues[index]!);
    if (layout.task !== undefined) layout.stream.task = layout.task;
    if (reasons !== undefined) layout.stream.reasons = reasons;
    if (layout.isTraining && step > this.#streams.lastStep) this.#streams.lastStep = step;
    this.#last = layout;
    return at + 2;
  }

  /** The layout of the header at a place, made if it is new; undefined if no header is there. */
  #layoutAt(at: number): Layout | undefined {
    const bytes = this.#bytes;
    const found = bytes.subarray(at, at + LONGEST_HEADER).indexOf(METRICS);
    if (found < 0 || bytes[at] !== COMMA) return undefined;
    const text = bytes.toString("utf8", at, at + found + METRICS.length);
    const known = this.#layouts.get(text);
    if (known !== undefined) return known;
    const record =
      text.includes("\n") || this.#layouts.size >= MOST_REMEMBERED ? null : parseRecordLine(`{"step":0${text}}}`);
    const stream = record === null ? undefined : this.#streams.stream(record);
    if (record === null || stream === undefined) return undefined;
    const task = typeof record.task === "string" ? record.task : undefined;
    const header = part(bytes.subarray(at, at + found + METRICS.length));
    const layout: Layout = {
      header,
      stream,
      task,
      isTraining: record.split === "train",
      columns: new Map(),
      first: undefined,
      next: undefined,
    };
    this.#layouts.set(text, layout);
    return layout;
  }

  /**
   * The column of the name at a place, made if it is new; undefined if the name is empty or has escapes, or none is
   * there.
   */
  #columnAt({ stream, columns }: Layout, at: number): Column | undefined {
    const bytes = this.#bytes;
    if (bytes[at] !== QUOTE) return undefined;
    let end = at + 1;
    for (; end < bytes.length && bytes[end] !== QUOTE; end += 1)
      if (bytes[end] === BACKSLASH || bytes[end] === LINE_BREAK) return undefined;
    if (bytes[end + 1] !== COLON || end === at + 1) return undefined;
    const name = bytes.toString("utf8", at + 1, end);
    // JSON.parse makes no metric of this name either.
    if (name === "__proto__") return undefined;
    let column = columns.get(name);
    if (column === undefined && columns.size < MOST_REMEMBERED) {
      column = { name: part(bytes.subarray(at, end + 2)), series: this.#streams.series(stream, name), next: undefined };
      columns.set(name, column);
    }
    return column;
  }

  /** The number at a place; sets `#end`. */
  #numberAt(from: number): number {
    const bytes = this.#bytes;
    const view = this.#view;
    this.#end = 0;
    let at = from;
    const first = bytes[at];
    if (first === QUOTE) {
      for (const [word, value] of WORDS) {
        if (!matches(word, view, at)) continue;
        this.#end = at + word.length;
        return value;
      }
      return 0;
    }
    if (first === MINUS) at += 1;
    const wholeFrom = at;
    let head = 0;
    let digit = bytes[at]! - ZERO;
    for (; digit >= 0 && digit <= 9; digit = bytes[at]! - ZERO) {
      head = head * 10 + digit;
      at += 1;
    }
    // JSON has no leading zeros and no bare point.
    if (at === wholeFrom || (bytes[wholeFrom] === ZERO && at > wholeFrom + 1)) return 0;
    let tail = 0;
    let tailDigits = 0;
    let exponent = 0;
    if (bytes[at] === POINT) {
      at += 1;
      const pointAt = at;
      for (let words = 0; words < HEAD_WORDS; words += 1) {
        const four = fourDigits(view, at);
        if (four < 0) break;
        head = head * 10_000 + four;
        at += WORD;
      }
      const isLong = at === pointAt + HEAD_WORDS * WORD;
      digit = bytes[at]! - ZERO;
      for (; digit >= 0 && digit <= 9; digit = bytes[at]! - ZERO) {
        if (isLong) {
          tail = tail * 10 + digit;
          tailDigits += 1;
        } else head = head * 10 + digit;
        at += 1;
      }
      if (at === pointAt) return 0;
      exponent = pointAt - at;
    }
    const mark = bytes[at]!;
    if (mark === LOWER_E || mark === UPPER_E) {
      at += 1;
      const sign = bytes[at]!;
      if (sign === MINUS || sign === PLUS) at += 1;
      const exponentFrom = at;
      let power = 0;
      digit = bytes[at]! - ZERO;
      for (; digit >= 0 && digit <= 9; digit = bytes[at]! - ZERO) {
        power = power * 10 + digit;
        at += 1;
      }
      if (at === exponentFrom) return 0;
      exponent += sign === MINUS ? -power : power;
    }
    this.#end = at;
    if (head > LARGEST_HEAD || tailDigits > TAIL_DIGITS || exponent < -MOST_EXPONENT || exponent > MOST_EXPONENT)
      return Number(bytes.toString("latin1", from, at));
    const value = decimalNumber(head, tail, tailDigits, exponent);
    return first === MINUS ? -value : value;
  }
}
