import type { MemorySample } from "@v-triune/training/browser";
import { encode } from "fast-png";

/** The picture of a drawn sample as a PNG file, pixel for pixel. */
export function pngOf({ pictures: [picture] }: Pick<MemorySample, "pictures">): Uint8Array {
  const { width, height, data } = picture as { width: number; height: number; data: Uint8Array };
  // A copy: the encoder leaves the file at the beginning of a much larger buffer.
  return encode({ width, height, data, channels: 3, depth: 8 }).slice();
}

/** A PNG file as an address that an img element takes. */
export function pngAddress(png: Uint8Array): string {
  let binary = "";
  for (const byte of png) binary += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(binary)}`;
}
