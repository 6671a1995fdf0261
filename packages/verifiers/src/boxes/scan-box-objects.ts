/**
 * Finds `{..}` objects in a text that is almost, but not quite, JSON or a Python literal: either quote sign, escapes,
 * bare keys, trailing commas, words like `none`, numbers with blanks between, a tail or a bracket that is missing. Of
 * what breaks off the complete entries are kept, whatever stands around them.
 *
 * Linear in the text: after a failure the scan goes on from where it failed, never back. Failure is a value here, not
 * an exception: 100 KB of `{` would otherwise build 100,000 stack traces.
 */

const DEEPEST_NESTING = 4;
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/y;
const WORD = /[a-z_]\w*/y;
const LETTER = /\p{L}/u;
const FAILED = Symbol("failed");
type Failed = typeof FAILED;

/**
 * Scans for objects.
 *
 * @param text lowercased text
 * @returns the values of all complete objects, in order; nothing is thrown
 */
export function scanBoxObjects(text: string): unknown[] {
  const objects: unknown[] = [];
  let start = text.indexOf("{");
  while (start !== -1) {
    const reader = new LiteralReader(text, start);
    const object = reader.readObject(0);
    if (object !== FAILED) objects.push(object);
    start = text.indexOf("{", Math.max(reader.position, start + 1));
  }
  return objects;
}

class LiteralReader {
  readonly #text: string;

  constructor(
    text: string,
    public position: number,
  ) {
    this.#text = text;
  }

  /** Set where the text breaks off or breaks the grammar: readers return the entries that were complete. */
  #isBroken = false;

  readObject(depth: number): Record<string, unknown> | Failed {
    const object = Object.create(null) as Record<string, unknown>;
    this.position++;
    while (!this.#take("}")) {
      const key = this.#readKey();
      if (key === FAILED || !this.#take(":")) return this.#broken(object);
      const value = this.#readValue(depth + 1);
      if (value === FAILED) return this.#broken(object);
      object[key] = value;
      if (this.#isBroken) return object;
      if (!this.#take(",") && this.#peek() !== "}") return this.#broken(object);
    }
    return object;
  }

  #broken<Container extends object>(container: Container): Container | Failed {
    this.#isBroken = true;
    return Object.keys(container).length > 0 ? container : FAILED;
  }

  #readKey(): string | Failed {
    const next = this.#peek();
    return next === "'" || next === '"' ? this.#readString() : (this.#match(WORD) ?? FAILED);
  }

  #readValue(depth: number): unknown {
    if (depth > DEEPEST_NESTING) return FAILED;
    const next = this.#peek();
    if (next === "'" || next === '"') return this.#readString();
    if (next === "{") return this.readObject(depth);
    if (next === "[" || next === "(") return this.#readList(depth, next === "[" ? "]" : ")");
    const number = this.#match(NUMBER);
    if (number !== undefined) return Number(number);
    const word = this.#match(WORD);
    if (word === undefined) return FAILED;
    return word === "true" ? true : word === "false" ? false : null;
  }

  #readList(depth: number, close: string): unknown[] | Failed {
    const list: unknown[] = [];
    this.position++;
    while (!this.#take(close)) {
      const value = this.#readValue(depth + 1);
      if (value === FAILED) return this.#broken(list);
      list.push(value);
      if (this.#isBroken) return list;
      const goesOn = this.#take(",") || this.#peek() === close || (typeof value === "number" && this.#isNumberNext());
      if (!goesOn) return this.#broken(list);
    }
    return list;
  }

  #isNumberNext(): boolean {
    return /[-+.\d]/.test(this.#peek());
  }

  #readString(): string | Failed {
    const quote = this.#peek();
    if (quote !== "'" && quote !== '"') return FAILED;
    let value = "";
    for (let at = this.position + 1; at < this.#text.length; at++) {
      const character = this.#text.charAt(at);
      if (character === quote && !this.#isApostrophe(at)) {
        this.position = at + 1;
        // A letter right behind the quote: quotes are out of step, and what was read is no value.
        return LETTER.test(this.#text.charAt(this.position)) ? FAILED : value;
      }
      if (character === "\n") break;
      if (character === "\\") at++;
      value += character === "\\" ? this.#text.charAt(at) : character;
    }
    return FAILED;
  }

  /** The quote sign within a word, as in `'a child's hat'`. */
  #isApostrophe(at: number): boolean {
    const [before, sign, after] = [this.#text.charAt(at - 1), this.#text.charAt(at), this.#text.charAt(at + 1)];
    return sign === "'" && LETTER.test(before) && LETTER.test(after);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.position += found.length;
    return found;
  }

  #peek(): string {
    while (this.position < this.#text.length && this.#text.charCodeAt(this.position) <= 32) this.position++;
    return this.#text.charAt(this.position);
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.position++;
    return true;
  }
}
