/**
 * Parses JSON and keeps numbers as they are written. `JSON.parse` makes 9007199254740992 of 9007199254740993, and 1.5
 * of 1.50. NaN and Infinity, which Python's `json.dumps` writes without quotes, are read, too.
 */

/** A number whose digits JavaScript would change. */
export class WrittenNumber {
  /** As it is in the file. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The nearest double. */
  valueOf(): number {
    return Number(this.text);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): unknown {
    return this.text;
  }
}

/** Numbers that JavaScript may write in another way: many digits, an exponent, a fraction that ends in 0, -0. */
const MAY_CHANGE = /\d{16}|\d[eE]|\.\d*0(?!\d)|\.\d{7}|-0/;
/** Strings, numbers and the words that Python writes for numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\bInfinity\b)|\bNaN\b/g;
/** Begins a string that stands for a number. A string of the file that begins with it gets a second one. */
const MARK = "\\u0000";

/**
 * @returns the value; numbers that JavaScript writes differently are `WrittenNumber`, NaN is null
 * @throws SyntaxError if the text is not JSON
 */
export function parseExactJson(text: string): unknown {
  let value: unknown;
  let isPython = false;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!/\b(NaN|Infinity)\b/.test(text)) throw error;
    // Throws if this is not all that is wrong.
    JSON.parse(text.replace(TOKEN, (token) => (/^(NaN|-?Infinity)$/.test(token) ? "null" : token)));
    isPython = true;
  }
  if (!isPython && !MAY_CHANGE.test(text)) return value;
  const marked = text.replace(TOKEN, (token) => {
    if (token.startsWith('"')) return token.startsWith(`"${MARK}`) ? `"${MARK}${token.slice(1)}` : token;
    if (token === "NaN") return "null";
    return String(Number(token)) === token && !token.includes("Infinity") ? token : `"${MARK}${token}"`;
  });
  return unmarked(JSON.parse(marked));
}

/** The value with numbers in the place of their marked strings. */
function unmarked(value: unknown): unknown {
  if (typeof value === "string") {
    if (!value.startsWith("\0")) return value;
    return value.startsWith("\0\0") ? value.slice(1) : new WrittenNumber(value.slice(1));
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(unmarked);
  for (const [key, member] of Object.entries(value)) {
    const changed = unmarked(member);
    if (changed !== member)
      Object.defineProperty(value, key, { value: changed, enumerable: true, writable: true, configurable: true });
  }
  return value;
}
