/**
 * An append-only text or binary file whose content is always a whole number of entries: what a crash left of an entry
 * is cut off when the file is opened, what a failed write left of one is cut off before it is tried again.
 */
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

export interface AppendFile {
  /** Appends all of `data` or nothing of it. */
  append(data: string | Uint8Array): Promise<void>;
  /** The file's length in bytes, opening it first. */
  size(): Promise<number>;
  close(): Promise<void>;
}

/** Where the last whole line ends. */
async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.alloc(65_536);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    const at = chunk.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

/**
 * @param path created with its folder at the first append
 * @param options `lines`: entries end in a line break, so that a cut-off one can be told when the file is opened
 */
export function appendFile(path: string, options: { readonly lines: boolean }): AppendFile {
  let handle: FileHandle | undefined;
  let length = 0;
  /** A failed write may have left a part of an entry behind. */
  let dirty = false;

  async function opened(): Promise<FileHandle> {
    if (handle !== undefined) return handle;
    await mkdir(dirname(path), { recursive: true });
    // "a+" creates, reads for the cut, and appends at the end whatever another reader does.
    const file = await open(path, "a+");
    try {
      const { size } = await file.stat();
      length = options.lines ? await endOfLastLine(file, size) : size;
      if (length < size) await file.truncate(length);
    } catch (error) {
      await file.close();
      throw error;
    }
    handle = file;
    return file;
  }

  return {
    async append(data) {
      const file = await opened();
      const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
      if (dirty) await file.truncate(length);
      dirty = true;
      for (let written = 0; written < bytes.length;) {
        written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
      }
      dirty = false;
      length += bytes.length;
    },
    async size() {
      await opened();
      return length;
    },
    async close() {
      const file = handle;
      handle = undefined;
      if (file === undefined) return;
      try {
        if (dirty) await file.truncate(length);
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}
