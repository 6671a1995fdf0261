/**
 * Follows a metrics.jsonl that a run may still be writing: reads what was added, keeps a half-written last line until its rest comes, and
 * begins anew when the file was replaced (a resumed run drops the steps it will write again).
 */
import { open, stat } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseRecordLine } from "../metrics-file";
import type { MetricRecord } from "../metric-record";

const CHUNK_BYTES = 1 << 20;
/** Read at once before the page is told; a file of gigabytes shows from its first second on. */
const STRETCH_BYTES = 32 << 20;
/** No record is longer; a longer line is skipped instead of gathered in memory. */
const LONGEST_LINE = 4 << 20;

export interface MetricsTail {
  /**
   * Reads what is new, a stretch of it where that is much (`progress` tells), and lets the server answer others in between.
   *
   * @returns whether anything was read; false for a file that is missing
   */
  read(): Promise<boolean>;
  /** Bytes read, of the file's size when last looked at. */
  readonly progress: { readonly read: number; readonly size: number };
  /** Complete lines that were no records. */
  readonly badLines: number;
}

/**
 * @param onRecord told each record
 * @param onRestart told when the file was replaced or cut, before its records come again
 */
export function createMetricsTail(path: string, onRecord: (record: MetricRecord) => void, onRestart: () => void): MetricsTail {
  let inode = 0;
  let offset = 0;
  let size = 0;
  let badLines = 0;
  let rest: Buffer = Buffer.alloc(0);
  let skipping = false;

  function take(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(10, from);
      if (end < 0) break;
      const line = chunk.subarray(from, end);
      from = end + 1;
      if (skipping) {
        skipping = false;
        rest = Buffer.alloc(0);
        badLines += 1;
        continue;
      }
      const text = (rest.length === 0 ? line : Buffer.concat([rest, line])).toString("utf8");
      rest = Buffer.alloc(0);
      if (text.trim() === "") continue;
      const record = parseRecordLine(text);
      if (record === null) badLines += 1;
      else onRecord(record);
    }
    if (skipping) return;
    rest = Buffer.concat([rest, chunk.subarray(from)]);
    if (rest.length > LONGEST_LINE) {
      rest = Buffer.alloc(0);
      skipping = true;
    }
  }

  return {
    get progress() {
      return { read: offset, size };
    },
    get badLines() {
      return badLines;
    },
    async read() {
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || !found.isFile()) return false;
      if (found.ino !== inode || found.size < offset) {
        if (offset > 0) onRestart();
        inode = found.ino;
        offset = 0;
        badLines = 0;
        rest = Buffer.alloc(0);
        skipping = false;
      }
      size = found.size;
      if (offset >= size) return false;
      const handle = await open(path, "r");
      try {
        const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
        const end = Math.min(size, offset + STRETCH_BYTES);
        while (offset < end) {
          const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK_BYTES, end - offset), offset);
          if (bytesRead === 0) break;
          offset += bytesRead;
          take(Buffer.from(buffer.subarray(0, bytesRead)));
          await nextTurn();
        }
      } finally {
        await handle.close();
      }
      return true;
    },
  };
}
