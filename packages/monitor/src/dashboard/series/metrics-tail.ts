/**
 * Follows a metrics.jsonl that a run may still be writing: reads what was added, keeps a half-written last line until
 * its rest comes, and starts again when the file was replaced (a resumed run drops the steps it will write again).
 */
import { open, stat, type FileHandle } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";

const CHUNK_BYTES = 4 << 20;
/** Read at once before the page is told; a file of gigabytes shows from its first second on. */
const STRETCH_MILLISECONDS = 400;
/** No record is longer; a longer line is skipped instead of gathered in memory. */
const LONGEST_LINE = 4 << 20;
const LINE_BREAK = 10;

export interface MetricsTail {
  /**
   * Reads what is new, a stretch of it where that is much (`progress` tells), and lets the server answer others in
   * between.
   *
   * @returns whether anything was read; false for a file that is missing
   */
  read(): Promise<boolean>;
  /** Bytes read, of the file's size when last looked at. */
  readonly progress: { readonly read: number; readonly size: number };
  /** Complete lines that were no records. */
  readonly badLines: number;
}

/** Who is told. */
export interface MetricsTailEvents {
  /** Whole lines, from `from` to behind the line break before `to`. @returns how many were no records */
  readonly lines: (bytes: Buffer, from: number, to: number) => number;
  /** The file was replaced or cut; its lines come again. */
  readonly restarted: () => void;
}

/** Follows the file at `path`, which may not be there yet. */
export function createMetricsTail(path: string, events: MetricsTailEvents): MetricsTail {
  let inode = 0;
  let offset = 0;
  let size = 0;
  let badLines = 0;
  /** The line that has begun. */
  let rest = Buffer.alloc(0);
  let skipping = false;

  /** Hands on the whole lines of what was read, the part before `end`; keeps what follows them. */
  function take(bytes: Buffer, end: number): void {
    let from = 0;
    if (skipping) {
      const lineEnd = bytes.subarray(0, end).indexOf(LINE_BREAK);
      if (lineEnd < 0) return;
      skipping = false;
      badLines += 1;
      from = lineEnd + 1;
    }
    const to = bytes.subarray(0, end).lastIndexOf(LINE_BREAK) + 1;
    if (to > from) badLines += events.lines(bytes, from, to);
    rest = Buffer.from(bytes.subarray(Math.max(from, to), end));
    if (rest.length <= LONGEST_LINE) return;
    rest = Buffer.alloc(0);
    skipping = true;
  }

  async function readStretch(handle: FileHandle): Promise<void> {
    const until = performance.now() + STRETCH_MILLISECONDS;
    const buffer = Buffer.allocUnsafe(LONGEST_LINE + Math.min(CHUNK_BYTES, size - offset));
    do {
      const kept = rest.copy(buffer);
      const { bytesRead } = await handle.read(buffer, kept, Math.min(CHUNK_BYTES, size - offset), offset);
      if (bytesRead === 0) return;
      offset += bytesRead;
      take(buffer, kept + bytesRead);
      await nextTurn();
    } while (offset < size && performance.now() < until);
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
        if (offset > 0) events.restarted();
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
        await readStretch(handle);
      } finally {
        await handle.close();
      }
      return true;
    },
  };
}
