/** metrics.jsonl: one record a line, appended, readable while it grows and after a crash in the middle of a line. */
import { createReadStream, createWriteStream } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { finished } from "node:stream/promises";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import type { MetricRecord } from "./metric-record";
import { formatRecordLine, parseRecordLine } from "./record-line";

/**
 * Reads the records of a metrics.jsonl one by one.
 *
 * @param onBadLine told the 1-based number of each line that is not a record; the last one of a live file may be cut
 *   off
 * @throws the file system's error when the file can't be read
 */
export async function* readMetricRecords(
  path: string,
  onBadLine: (line: number) => void = () => {},
): AsyncGenerator<MetricRecord> {
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line += 1;
    if (text === "") continue;
    const record = parseRecordLine(text);
    if (record === null) onBadLine(line);
    else yield record;
  }
}

/**
 * Drops the records of steps after `lastStep`, so that a run resumed from that step's checkpoint writes each step once.
 * The file is replaced in one move; a missing file is left missing.
 *
 * @returns how many records were dropped
 */
export async function dropRecordsAfter(path: string, lastStep: number): Promise<number> {
  let dropped = 0;
  try {
    await replaceFile(path, async (temporary) => {
      const out = createWriteStream(temporary);
      try {
        for await (const record of readMetricRecords(path)) {
          if (record.step > lastStep) dropped += 1;
          else if (!out.write(`${formatRecordLine(record)}\n`)) await once(out, "drain");
        }
        out.end();
        await finished(out);
      } finally {
        out.destroy();
      }
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
  return dropped;
}
