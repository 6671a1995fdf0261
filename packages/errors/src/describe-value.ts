const LONGEST = 60;

/**
 * A value from outside as an error message shows it: its JSON, cut at 60 characters, bytes by their number.
 *
 * ```ts
 * describeValue("mathverfy") // '"mathverfy"'
 * describeValue(new Uint8Array(3)) // "3 bytes"
 * describeValue(undefined) // "nothing"
 * ```
 */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "bigint") return `${value}`;
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch (error) {
    // JSON.stringify recurses: a list in a list in a list, a hundred thousand times, exhausts the stack.
    if (error instanceof RangeError) return "something nested too deep";
    text = Object.prototype.toString.call(value);
  }
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text;
}
