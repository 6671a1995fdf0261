/** Pictures that are text: `data:` URLs and base64, as tables of benchmarks have them. */

/** Beginnings of encoded pictures: JPEG, PNG, GIF, WebP, AVIF, BMP, TIFF. */
const MAGIC = /^(\u00ff\u00d8\u00ff|\u0089PNG|GIF8|RIFF....WEBP|....ftyp|BM|II\*\0|MM\0\*)/s;
/** Base64 of the shortest picture is longer. */
const SHORTEST = 60;

/** The bytes of a picture that a cell holds as text, or null for a path. */
export function inlinePicture(text: string): Uint8Array | null {
  const url = /^data:[^,]*?(;base64)?,/i.exec(text);
  if (url !== null) {
    const data = text.slice(url[0].length);
    return url[1] === undefined ? Buffer.from(percentDecoded(data), "latin1") : Buffer.from(data, "base64");
  }
  if (text.length < SHORTEST || !/^[A-Za-z0-9+/_\s-]+={0,2}\s*$/.test(text)) return null;
  const start = Buffer.from(text.slice(0, SHORTEST), "base64").toString("latin1");
  return MAGIC.test(start) ? Buffer.from(text, "base64") : null;
}

/** Bytes of percent-encoded text, one character each. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
