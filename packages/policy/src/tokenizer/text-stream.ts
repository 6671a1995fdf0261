/**
 * Text of token ids as they arrive. A token may end in the middle of a UTF-8 sequence; text that was returned never
 * changes, and all of it together is the decoding of all ids.
 */
export interface TextStream {
  /** Takes one id and returns the text that is certain now; often a word, sometimes "". */
  push(id: number): string;
  /** Returns the text that was held back (a broken sequence as U+FFFD) and starts again. */
  end(): string;
}

/** For vocabularies whose tokens are bytes: the UTF-8 decoder keeps the begun sequence. */
export function byteStream(bytesOf: (id: number) => Uint8Array): TextStream {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(bytesOf(id), { stream: true }),
    end: () => decoder.decode(),
  };
}

/**
 * For all others. Text is held back while it ends in U+FFFD. Each new id is decoded behind the ids of the last piece,
 * because some decoders treat the first token of a text differently (the method of `DecodeStream` in Rust
 * tokenizers 0.23).
 */
export function windowStream(decode: (ids: readonly number[]) => string): TextStream {
  /** Ids of the last piece that was returned, then those that are held back. */
  let ids: number[] = [];
  /** The number of ids in that piece, and their text. */
  let shownIds = 0;
  let shown = "";
  return {
    push: (id) => {
      ids.push(id);
      const text = decode(ids);
      if (text.length <= shown.length || text.endsWith("\uFFFD")) return "";
      const piece = text.slice(shown.length);
      ids = ids.slice(shownIds);
      shownIds = ids.length;
      shown = decode(ids);
      return piece;
    },
    end: () => {
      const rest = decode(ids).slice(shown.length);
      [ids, shownIds, shown] = [[], 0, ""];
      return rest;
    },
  };
}
