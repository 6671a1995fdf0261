/**
 * The media type of encoded picture bytes by their first ones, for the formats that can hold no script; undefined for
 * anything else, SVG among it.
 */
export function pictureType(bytes: Uint8Array): string | undefined {
  const starts = (...wanted: number[]): boolean => wanted.every((byte, index) => bytes[index] === byte);
  const ascii = (from: number, text: string): boolean =>
    [...text].every((char, index) => bytes[from + index] === char.charCodeAt(0));
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "image/png";
  if (starts(0xff, 0xd8, 0xff)) return "image/jpeg";
  if (ascii(0, "GIF87a") || ascii(0, "GIF89a")) return "image/gif";
  if (ascii(0, "RIFF") && ascii(8, "WEBP")) return "image/webp";
  if (ascii(0, "BM")) return "image/bmp";
  return undefined;
}
