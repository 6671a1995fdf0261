/**
 * The byte-level spelling of GPT-2, which Qwen's vocabulary is written in: every byte is one printable character, so
 * that a token can be any bytes. 33..126, 161..172 and 174..255 stand for themselves, the other 68 bytes for U+0100
 * onwards.
 *
 * Source: `bytes_to_unicode` of GPT-2's encoder.py; the ByteLevel decoder of Rust tokenizers 0.23.
 */

const BYTES = buildTable();

function buildTable(): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    table.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return table;
}

/** The bytes of a token in byte-level spelling; a token with any other character stands for its own UTF-8. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTES.get(token[i]!);
    if (byte === undefined) return new TextEncoder().encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
