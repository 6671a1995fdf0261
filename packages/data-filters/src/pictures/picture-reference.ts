/**
 * Where a picture is until its sample is written: a file, a stretch of a file (bytes spooled from a Parquet cell) or a
 * member of a zip archive. References are small and serialisable; a million of them fit where ten pictures do.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { readZipMember } from "./zip-archive";

/** A picture's place. `name` is what the sample states as its path. */
export interface PictureReference {
  readonly name: string;
  readonly file: string;
  /** A stretch of the file, in bytes. */
  readonly offset?: number;
  readonly length?: number;
  /** A member of the zip archive `file`. */
  readonly member?: string;
}

/** Encoded bytes of a picture. @throws Error of the file system, or of the archive, when they cannot be read */
export function readPictureBytes(reference: PictureReference): Uint8Array {
  if (reference.member !== undefined) return readZipMember(reference.file, reference.member);
  if (reference.offset === undefined || reference.length === undefined) return readFileSync(reference.file);
  const bytes = new Uint8Array(reference.length);
  const handle = openSync(reference.file, "r");
  try {
    readSync(handle, bytes, 0, reference.length, reference.offset);
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

  /** Appends bytes and says where they are. */
  add(bytes: Uint8Array, name: string): PictureReference {
    this.#handle ??= openSync(this.#file, "w");
    for (let written = 0; written < bytes.length;) written += writeSync(this.#handle, bytes, written);
    const reference = { name, file: this.#file, offset: this.#size, length: bytes.length };
    this.#size += bytes.length;
    return reference;
  }

  /** Closes the file; what was added stays readable. */
  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
}
