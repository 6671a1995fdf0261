/**
 * Where a picture is until its sample is written: a file, a part of a file (bytes spooled from a Parquet cell) or a
 * member of a zip archive. References are small and can be written as JSON: a million of them need the memory of some
 * pictures.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { readZipMember } from "./zip-archive";

/** A picture's place. `name` is what the sample states as its path. */
export interface PictureReference {
  readonly name: string;
  readonly file: string;
  /** A part of the file, in bytes. */
  readonly offset?: number;
  readonly length?: number;
  /** A member of the zip archive `file`. */
  readonly member?: string;
}

/** The encoded bytes of a picture. @throws the error of the file system or of the archive if they cannot be read */
export function readPictureBytes(reference: PictureReference): Uint8Array {
  if (reference.member !== undefined) return readZipMember(reference.file, reference.member);
  if (reference.offset === undefined || reference.length === undefined) return readFileSync(reference.file);
  const bytes = new Uint8Array(reference.length);
  const handle = openSync(reference.file, "r");
  try {
    for (let read = 0; read < bytes.length;) {
      const count = readSync(handle, bytes, read, bytes.length - read, reference.offset + read);
      if (count === 0) throw new Error("the file with its bytes is cut off");
      read += count;
    }
  } finally {
    closeSync(handle);
  }
  return bytes;
}

/** An append-only file of picture bytes. */
export class PictureSpool {
  readonly #file: string;
  #handle: number | undefined;
  #size = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Appends bytes and returns where they are. */
  add(bytes: Uint8Array, name: string): PictureReference {
    this.#handle ??= openSync(this.#file, "w");
    for (let written = 0; written < bytes.length;) written += writeSync(this.#handle, bytes, written);
    const reference = { name, file: this.#file, offset: this.#size, length: bytes.length };
    this.#size += bytes.length;
    return reference;
  }

  /** Closes the file. What was added can still be read. */
  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
}
