/**
 * The shape of a JSON document whose root is an object: under which key its records are, or whether it holds columns.
 * Only the structure is scanned, so that a document of gigabytes takes no memory.
 */
import { createReadStream } from "node:fs";

/** What a member of the root is. `records` is a list of objects, `rows` a list of lists, `list` one of other values. */
export type MemberKind = "records" | "rows" | "list" | "empty" | "object" | "scalar";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = new Map<number, number>([
  [0x7b, 0x7d],
  [0x5b, 0x5d],
]);
const CLOSE = new Set(OPEN.values());
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const SPACE = 0x20;
/** The kind of a list by its first byte. */
const itemKinds: ReadonlyMap<number, MemberKind> = new Map([
  [OPEN_BRACE, "records"],
  [OPEN_BRACKET, "rows"],
  [0x5d, "empty"],
]);

/**
 * The members of the root object, in order. Text that is not JSON gives members up to the fault; reading them reports
 * it.
 */
export async function rootMembers(file: string): Promise<Map<string, MemberKind>> {
  const members = new Map<string, MemberKind>();
  let depth = 0;
  let inString = false;
  let escaped = false;
  let key = "";
  let keyBytes: number[] = [];
  let awaits: "key" | "value" | "item" | "end" = "key";
  const found = (kind: MemberKind): void => {
    members.set(key, kind);
    awaits = "end";
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      if (inString) {
        if (depth === 1 && awaits === "key") keyBytes.push(byte);
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (byte <= SPACE) continue;
      if (awaits === "item") found(itemKinds.get(byte) ?? "list");
      else if (awaits === "value") {
        if (byte === OPEN_BRACKET) awaits = "item";
        else found(byte === OPEN_BRACE ? "object" : "scalar");
      }
      if (byte === QUOTE) {
        inString = true;
        if (depth === 1 && awaits === "key") keyBytes = [];
      } else if (OPEN.has(byte)) depth++;
      else if (CLOSE.has(byte)) depth--;
      else if (depth === 1 && byte === COLON) {
        key = keyOf(keyBytes);
        awaits = "value";
      } else if (depth === 1 && byte === COMMA) awaits = "key";
    }
  }
  return members;
}

/** The text of a key from its bytes with the closing quote. */
function keyOf(bytes: readonly number[]): string {
  const text = Buffer.from(bytes).toString("utf8");
  try {
    return JSON.parse(`"${text}`) as string;
  } catch {
    return text;
  }
}
