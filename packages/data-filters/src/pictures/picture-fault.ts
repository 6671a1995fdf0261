/** Says in words why bytes are not a picture that can be used. */
import { foreignBytes } from "../duckdb/foreign-bytes";

/** Formats that decoders here do not read, by their first bytes as hexadecimal. */
const OTHERS: readonly (readonly [head: RegExp, name: string])[] = [
  [/^424d/, "a BMP picture"],
  [/^00000100/, "an icon (ICO)"],
  [/^0000000c6a502020|^ff4fff51/, "a JPEG 2000 picture"],
  [/^.{8}66747970(68656963|68656978|6d696631|6d736631)/, "a HEIC picture"],
  [/^255044462d/, "a PDF file"],
  [/^934e554d5059/, "a NumPy array"],
  [/^503[1-6](20|0a)/, "a Netpbm picture (PPM)"],
];

/** @param error what the decoder threw */
export function pictureFault(bytes: Uint8Array, error: unknown): string {
  if (bytes.length === 0) return "an empty file";
  const foreign = foreignBytes(bytes);
  if (foreign !== undefined) return `${foreign.found}: ${foreign.fix}`;
  const head = Buffer.from(bytes.subarray(0, 64));
  const other = OTHERS.find(([pattern]) => pattern.test(head.toString("hex")));
  if (other !== undefined) return `${other[1]}, which is not read: save it as PNG or JPEG`;
  if (bytes.length > 32 && /^[A-Za-z0-9+/\s]+=*$/.test(head.toString("latin1")))
    return "text, perhaps base64, in the place of a picture";
  const message = lastLine(error);
  if (/unsupported image format/i.test(message)) return "not a picture of a known format";
  return /^(unknown error|.*unable to write)/i.test(message) ? "damaged or cut off" : `damaged or cut off (${message})`;
}

/** The last line of a message that says something. */
function lastLine(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "")?.slice(0, 120) ?? "no message";
}
