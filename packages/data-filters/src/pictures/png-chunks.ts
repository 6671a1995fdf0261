/**
 * Whether Pillow, with which verl, datasets and transformers read pictures, refuses a PNG that other decoders read. It
 * is stricter about chunks beside the pixels (PIL/PngImagePlugin.py of Pillow 12, PNG specification section 5): a wrong
 * checksum, compressed text or a color profile of more than 1 MB, or a chunk that is too short.
 */
import { inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Pillow's MAX_TEXT_CHUNK and MAX_TEXT_MEMORY, bytes. */
const LONGEST_TEXT = 2 ** 20;
const MOST_TEXT = 64 * LONGEST_TEXT;
/** The least bytes of chunks that Pillow unpacks without looking at their length. */
const SHORTEST: Readonly<Record<string, number>> = { gAMA: 4, pHYs: 9, sRGB: 1, acTL: 8 };

/** What Pillow does not accept, or null. Bytes of another format are not looked at. */
export function pngFault(bytes: Uint8Array): string | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, 8).equals(SIGNATURE)) return null;
  let isBeforePixels = true;
  let text = 0;
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at);
    const name = file.toString("latin1", at + 4, at + 8);
    const end = at + 8 + length;
    if (name === "IEND" || end + 4 > file.length) return null;
    if (name === "IDAT") isBeforePixels = false;
    else {
      const data = file.subarray(at + 8, end);
      if (isBeforePixels && crc32(file.subarray(at + 4, end)) !== file.readUInt32BE(end)) return `${name} checksum`;
      if (length < (SHORTEST[name] ?? 0)) return `short ${name}`;
      const fault = textFault(name, data);
      if (fault !== null) return fault;
      if (/^(tEXt|zTXt|iTXt)$/.test(name)) text += length;
      if (text > MOST_TEXT) return "long text";
    }
    at = end + 4;
  }
  return null;
}

/** What is wrong with the compressed text or profile of a chunk, or null. */
function textFault(name: string, data: Buffer): string | null {
  const keyEnd = data.indexOf(0);
  if (keyEnd < 0 || !/^(zTXt|iTXt|iCCP)$/.test(name)) return null;
  if (name !== "iTXt") {
    if (data[keyEnd + 1] !== 0) return `${name} compression`;
    return inflatesBeyond(data.subarray(keyEnd + 2)) ? "long text" : null;
  }
  // Compression flag and method, language tag and translated keyword, each of the last two with a zero at its end.
  if (data[keyEnd + 1] !== 1 || data[keyEnd + 2] !== 0) return null;
  const start = data.indexOf(0, data.indexOf(0, keyEnd + 3) + 1) + 1;
  return start > keyEnd + 3 && inflatesBeyond(data.subarray(start)) ? "long text" : null;
}

function inflatesBeyond(data: Buffer): boolean {
  try {
    inflateSync(data, { maxOutputLength: LONGEST_TEXT });
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** The checksum of a PNG chunk (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
