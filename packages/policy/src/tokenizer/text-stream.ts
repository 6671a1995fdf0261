/**
 * Text of token ids as they arrive. A token may end in the middle of a UTF-8 sequence, so text is held back while it ends
 * in U+FFFD; what has been handed out never changes, and all of it together is the decoding of all ids.
 *
 * Each new id is decoded behind the ids of the last piece, because some decoders treat the first token of a text in a way
 * of its own (the method of `DecodeStream` in Rust tokenizers 0.23).
 */
export class TextStream {
  readonly #decode: (ids: readonly number[]) => string;
  /** Ids of the last piece handed out, then those that are held back. */
  #ids: number[] = [];
  /** How many of them belong to that piece, and their text. */
  #shownIds = 0;
  #shown = "";

  constructor(decode: (ids: readonly number[]) => string) {
    this.#decode = decode;
  }

  /** Takes one id and returns the text that is certain now; often a word, sometimes "". */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#decode(this.#ids);
    if (text.length <= this.#shown.length || text.endsWith("\uFFFD")) return "";
    const piece = text.slice(this.#shown.length);
    this.#ids = this.#ids.slice(this.#shownIds);
    this.#shownIds = this.#ids.length;
    this.#shown = this.#decode(this.#ids);
    return piece;
  }

  /** Returns what was held back (broken sequences as U+FFFD) and starts over. */
  end(): string {
    const rest = this.#decode(this.#ids).slice(this.#shown.length);
    this.#ids = [];
    this.#shownIds = 0;
    this.#shown = "";
    return rest;
  }
}
