/** A sample's pictures as data URLs, byte for byte: the server decodes what the trainer decoded. */
import { readFile } from "node:fs/promises";
import type { Sample } from "@v-triune/schema";

const SIGNATURES: readonly (readonly [string, readonly number[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46]],
  ["image/bmp", [0x42, 0x4d]],
  ["image/tiff", [0x49, 0x49, 0x2a]],
  ["image/tiff", [0x4d, 0x4d, 0x00]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46]],
];

/** Data URLs of the pictures of a sample, in order. */
export async function pictureUrls({ images }: Sample): Promise<string[]> {
  return Promise.all(images.map(async ({ bytes, path }) => pictureUrl(bytes ?? (await readFile(path as string)))));
}

/** The data URL of a picture's file. */
export function pictureUrl(bytes: Uint8Array): string {
  const mediaType =
    SIGNATURES.find(([, signature]) => signature.every((byte, at) => bytes[at] === byte))?.[0] ??
    "application/octet-stream";
  return `data:${mediaType};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}`;
}
