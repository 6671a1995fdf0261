/**
 * Small questions about characters, with Python's answers: what counts as blank in `re` and `str.strip`.
 */

/** Whether Python's `\s` matches this UTF-16 code. */
export const isSpace = (code: number): boolean => {
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13) || (code >= 28 && code <= 31);
  if (code < 0x85) return false;
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
};

export const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** `text` without blanks at both ends. */
export const strip = (text: string): string => {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
};

/** Finds the next occurrence of one needle for ever larger starts in time linear in the text, however often it is asked. */
export class Finder {
  #from = 0;
  #found = -2;

  readonly #text: string;
  readonly #needle: string;

  constructor(text: string, needle: string) {
    this.#text = text;
    this.#needle = needle;
  }

  next(at: number): number {
    if (this.#found !== -2 && at >= this.#from && (this.#found === -1 || this.#found >= at)) return this.#found;
    this.#from = at;
    this.#found = this.#text.indexOf(this.#needle, at);
    return this.#found;
  }
}
