/**
 * Python literals as data sets hold them in text columns (`['3/11', '8/11']`, `{'a': (1, None)}`): what
 * ast.literal_eval reads, as plain values. Tuples and sets become lists.
 */

/** @returns undefined when the text is no literal */
export function parsePythonLiteral(text: string): unknown {
  const reader = new Reader(text);
  try {
    const value = reader.value();
    reader.space();
    return reader.done ? value : undefined;
  } catch (error) {
    if (error instanceof NoLiteral) return undefined;
    throw error;
  }
}

class NoLiteral extends Error {}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\x07",
  "0": "\0",
};
const CONSTANTS: Readonly<Record<string, unknown>> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};
const MOST_DEPTH = 200;

class Reader {
  #at = 0;
  #depth = 0;

  constructor(readonly text: string) {}

  get done(): boolean {
    return this.#at >= this.text.length;
  }

  space(): void {
    while (/\s/.test(this.text[this.#at] ?? "")) this.#at += 1;
  }

  value(): unknown {
    this.space();
    const first = this.text[this.#at] ?? "";
    if (first === "[" || first === "(") return this.#list(first === "[" ? "]" : ")");
    if (first === "{") return this.#braces();
    if (/^[bruBRU]?['"]/.test(this.text.slice(this.#at, this.#at + 2))) return this.#strings();
    const word = /^[\w.+-]+/.exec(this.text.slice(this.#at))?.[0] ?? "";
    this.#at += word.length;
    if (word in CONSTANTS) return CONSTANTS[word];
    const digits = word.replaceAll("_", "");
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(digits)) return Number(digits);
    throw new NoLiteral();
  }

  #enter(): void {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw new NoLiteral();
    this.#at += 1;
  }

  #take(character: string): boolean {
    this.space();
    if (this.text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #list(close: string): unknown[] {
    this.#enter();
    const values: unknown[] = [];
    while (!this.#take(close)) {
      if (values.length > 0 && !this.#take(",")) throw new NoLiteral();
      if (values.length > 0 && this.#take(close)) break;
      values.push(this.value());
    }
    this.#depth -= 1;
    return values;
  }

  /** A dict, or a set as a list. */
  #braces(): unknown {
    this.#enter();
    const entries: [string, unknown][] = [];
    const members: unknown[] = [];
    while (!this.#take("}")) {
      if (entries.length + members.length > 0 && !this.#take(",")) throw new NoLiteral();
      if (entries.length + members.length > 0 && this.#take("}")) break;
      const key = this.value();
      if (this.#take(":")) entries.push([String(key), this.value()]);
      else members.push(key);
    }
    this.#depth -= 1;
    if (members.length > 0 && entries.length > 0) throw new NoLiteral();
    return members.length > 0 ? members : Object.fromEntries(entries);
  }

  /** Adjacent strings are one. */
  #strings(): string {
    let text = "";
    do {
      text += this.#string();
      this.space();
    } while (/^[bruBRU]?['"]/.test(this.text.slice(this.#at, this.#at + 2)));
    return text;
  }

  #string(): string {
    const raw = /[rR]/.test(this.text[this.#at] ?? "");
    if (/[bruBRU]/.test(this.text[this.#at] ?? "")) this.#at += 1;
    const quote = this.text.startsWith(this.text[this.#at]!.repeat(3), this.#at)
      ? this.text[this.#at]!.repeat(3)
      : this.text[this.#at]!;
    this.#at += quote.length;
    let result = "";
    while (!this.text.startsWith(quote, this.#at)) {
      const character = this.text[this.#at];
      if (character === undefined) throw new NoLiteral();
      this.#at += 1;
      if (character !== "\\" || raw) {
        result += character;
        continue;
      }
      const escaped = this.text[this.#at] ?? "";
      this.#at += 1;
      const hex = { x: 2, u: 4, U: 8 }[escaped];
      if (hex !== undefined) {
        const code = Number.parseInt(this.text.slice(this.#at, this.#at + hex), 16);
        if (!(code <= 0x10ffff)) throw new NoLiteral();
        result += String.fromCodePoint(code);
        this.#at += hex;
      } else if (escaped !== "\n") {
        result += ESCAPES[escaped] ?? ("'\"\\".includes(escaped) ? escaped : `\\${escaped}`);
      }
    }
    this.#at += quote.length;
    return result;
  }
}
