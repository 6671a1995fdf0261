/**
 * A copy of a Parquet file's rows that can be read one by one. Parquet packs thousands of rows into a group and
 * compresses its columns in pages, so that reading one picture costs reading most of them. Here a row is a range of
 * bytes at a known place.
 *
 *     row 0 | row 1 | .. | n + 1 offsets (float64) | trailer: magic, n (float64), identity (32 bytes)
 *
 * V8's serializer turns the values of a row into bytes (https://nodejs.org/api/v8.html#serialization-api). The trailer
 * is written last, and the file is synced before it is renamed into place. So a file under its name is complete, unless
 * another program cut it.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import { replaceFile } from "@v-triune/node-kit/atomic-write";

const MAGIC = Buffer.from("V3ROWS01");
const TRAILER = MAGIC.length + 8 + 32;
/** Bytes that are collected before they are written. */
const GATHERED = 4 * 2 ** 20;

/** Reads rows of one store. */
export interface RowStore {
  /** The values of rows, in the order of `rows`. @throws Error if the file was removed or changed */
  read(rows: readonly number[]): Promise<unknown[][]>;
}

/** What a store was made from, as 32 bytes. They change with the text, the layout of this file and the serializer. */
export function rowStoreIdentity(text: string): Buffer {
  return createHash("sha256").update(MAGIC).update(serialize(null)).update(text).digest();
}

/** Opens the store at `path`. Undefined if there is none, or if it is cut off, damaged or made from something else. */
export async function openRowStore(path: string, identity: Buffer, count: number): Promise<RowStore | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const { size } = await handle.stat();
    const first = size - TRAILER - 8 * (count + 1);
    if (first < 0) return undefined;
    const tail = await readAt(handle, first, size - first);
    const trailer = tail.subarray(-TRAILER);
    if (!trailer.equals(trailerOf(count, identity))) return undefined;
    const offsets = new Float64Array(tail.buffer, tail.byteOffset, count + 1).slice();
    if (offsets[count] !== first) return undefined;
    return { read: (rows) => readRows(path, size, offsets, rows) };
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

/**
 * Writes a store with one row in memory at a time. Two writers of the same path do not disturb each other: both write
 * the same, and the last one to finish stays.
 *
 * @returns the number of rows written
 * @throws what `rows` throws, or the file system's error; nothing is left behind then
 */
export async function writeRowStore(
  path: string,
  identity: Buffer,
  rows: AsyncIterable<readonly unknown[]>,
): Promise<number> {
  let count = 0;
  await replaceFile(path, async (temporary) => {
    const handle = await open(temporary, "wx");
    try {
      count = await appendRows(handle, identity, rows);
    } finally {
      await handle.close();
    }
  });
  return count;
}

async function appendRows(
  handle: FileHandle,
  identity: Buffer,
  rows: AsyncIterable<readonly unknown[]>,
): Promise<number> {
  const offsets = [0];
  let gathered: Buffer[] = [];
  let waiting = 0;
  const flush = async (): Promise<void> => {
    await handle.appendFile(Buffer.concat(gathered, waiting));
    gathered = [];
    waiting = 0;
  };
  for await (const values of rows) {
    const bytes = serialize(values);
    offsets.push((offsets.at(-1) as number) + bytes.length);
    gathered.push(bytes);
    waiting += bytes.length;
    if (waiting >= GATHERED) await flush();
  }
  const count = offsets.length - 1;
  const tail = Buffer.from(new Float64Array(offsets).buffer);
  gathered.push(tail, trailerOf(count, identity));
  waiting += tail.length + TRAILER;
  await flush();
  return count;
}

async function readRows(
  path: string,
  size: number,
  offsets: Float64Array,
  rows: readonly number[],
): Promise<unknown[][]> {
  const handle = await open(path);
  try {
    if ((await handle.stat()).size !== size) throw new Error("its size has changed");
    return await Promise.all(
      rows.map(async (row) => {
        const [from, to] = [offsets[row] as number, offsets[row + 1] as number];
        // One buffer per row, so that a picture that is kept does not keep other rows' bytes.
        return deserialize(await readAt(handle, from, to - from)) as unknown[];
      }),
    );
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error("it is cut off");
  return buffer;
}

function trailerOf(count: number, identity: Buffer): Buffer {
  return Buffer.concat([MAGIC, Buffer.from(new Float64Array([count]).buffer), identity]);
}
