/**
 * Members of a large JSON file, one at a time. Owners publish gigabytes as one JSON document, which `JSON.parse` cannot
 * read: a string in V8 holds at most 512 MB. Here bytes are scanned for structure only, and each member is parsed
 * alone.
 */
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { DatasetError } from "@v-triune/schema";
import { notUtf8 } from "../duckdb/file-head";
import { parseExactJson } from "./json-numbers";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = "\uFEFF";

/** One member: its key in an object, its position in a list. */
export interface JsonMember {
  readonly key: string;
  readonly value: unknown;
}

/**
 * Streams the members of the document's root, or of the list or object at a key of the root.
 *
 * @param key a key of the root object. Default: the root itself.
 * @param parse how a member is parsed. Default: with all digits of its numbers.
 * @throws DatasetError if the file is not JSON or not UTF-8, is cut off, or has no such key
 */
export async function* jsonMembers(
  file: string,
  key?: string,
  parse: (text: string) => unknown = parseExactJson,
): AsyncGenerator<JsonMember> {
  const memberDepth = key === undefined ? 1 : 2;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let inside = key === undefined;
  let found = inside;
  let rootKey = "";
  let memberKey = "";
  let index = 0;
  let start = -1;
  let carried: Buffer[] = [];
  let sawRoot = false;
  const kinds: number[] = [];

  const take = (chunk: Buffer, end: number): string => {
    const piece = start < 0 ? Buffer.alloc(0) : chunk.subarray(start, end);
    const text = textOf(carried.length === 0 ? piece : Buffer.concat([...carried, piece]), file, index);
    carried = [];
    start = -1;
    return text;
  };
  const memberOf = (text: string): JsonMember => {
    const member = {
      key: kinds[memberDepth - 1] === OPEN_BRACE ? memberKey : `${index}`,
      value: parseJson(text, file, index, parse),
    };
    index++;
    return member;
  };

  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    if (carried.length > 0 || start >= 0) start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (byte <= 0x20) continue;
      switch (byte) {
        case QUOTE:
          inString = true;
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (depth === memberDepth - 1 && inside && start < 0) {
            kinds[depth] = byte;
            depth++;
            sawRoot = true;
            found = true;
            continue;
          }
          if (depth === 0 && key !== undefined) {
            kinds[0] = byte;
            depth++;
            sawRoot = true;
            if (byte !== OPEN_BRACE) throw wrongShape(file, key);
            continue;
          }
          depth++;
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          depth--;
          if (depth === memberDepth - 1 && inside) {
            const text = take(chunk, i);
            if (text.trim() !== "") yield memberOf(text);
            inside = key === undefined && depth > 0;
            continue;
          }
          if (depth === 0 && key !== undefined) {
            take(chunk, i);
            continue;
          }
          break;
        case COLON:
          if (depth === memberDepth && inside && kinds[depth - 1] === OPEN_BRACE) {
            memberKey = String(parseJson(take(chunk, i), file, index));
            continue;
          }
          if (depth === 1 && key !== undefined) {
            rootKey = String(parseJson(take(chunk, i), file, index));
            inside = rootKey === key;
            continue;
          }
          break;
        case COMMA:
          if (depth === memberDepth && inside) {
            yield memberOf(take(chunk, i));
            continue;
          }
          if (depth === 1 && key !== undefined) {
            take(chunk, i);
            inside = false;
            continue;
          }
          break;
      }
      // Only bytes that are parsed later are kept: members, and keys of the root.
      if (
        start < 0 &&
        carried.length === 0 &&
        (inside ? depth >= memberDepth || byte === QUOTE : depth === 1 && byte === QUOTE)
      )
        start = i;
    }
    if (start >= 0) {
      // Bytes outside the wanted key are scanned, not kept.
      if (inside || depth === 1) carried.push(Buffer.from(chunk.subarray(start)));
      else start = -1;
    }
  }
  if (depth !== 0 || inString || !sawRoot) {
    throw new DatasetError({
      code: "unreadable",
      file,
      expected: "a whole JSON document",
      found: sawRoot ? `the end of the file inside member ${index}` : "no list or object",
      fix: "the file is cut off or not JSON; download it again",
    });
  }
  if (!found && key !== undefined) throw wrongShape(file, key);
}

/** Streams the records of a JSON Lines file. @throws DatasetError naming the line that is not JSON or not UTF-8 */
export async function* jsonLines(file: string): AsyncGenerator<JsonMember> {
  let carried: Buffer[] = [];
  let line = 0;
  const parse = (bytes: Buffer): JsonMember | null => {
    const text = textOf(bytes, file, line).replace(line === 0 ? BYTE_ORDER_MARK : "", "");
    const member = text.trim() === "" ? null : { key: `${line}`, value: parseJson(text, file, line) };
    line++;
    return member;
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const piece = chunk.subarray(start, end);
      const member = parse(carried.length === 0 ? piece : Buffer.concat([...carried, piece]));
      carried = [];
      start = end + 1;
      if (member !== null) yield member;
    }
    if (start < chunk.length) carried.push(Buffer.from(chunk.subarray(start)));
  }
  const last = parse(Buffer.concat(carried));
  if (last !== null) yield last;
}

/** @throws DatasetError if the bytes are not UTF-8 */
function textOf(bytes: Buffer, file: string, row: number): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw notUtf8(file, row);
}

function parseJson(
  text: string,
  file: string,
  row: number,
  parse: (text: string) => unknown = parseExactJson,
): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new DatasetError({
      code: "unreadable",
      file,
      row,
      expected: "JSON",
      found: text.trim().length > 60 ? `${text.trim().slice(0, 57)}...` : text.trim(),
      fix: "the file is cut off or not JSON; download it again",
      cause: error,
    });
  }
}

function wrongShape(file: string, key: string): DatasetError {
  return new DatasetError({
    code: "wrong-layout",
    file,
    field: key,
    expected: `a list or object under the key "${key}"`,
    found: "no such key",
  });
}
