import { hostname } from "node:os";
import { join } from "node:path";
import { metricTag } from "../metric-record";
import type { MetricSink } from "./metric-sink";
import { appendFile, type AppendFile } from "./append-file";
import { fileVersionEvent, scalarEvent, tfRecord } from "./tensorboard-event-file";

export interface TensorBoardOptions {
  /** The wall clock, in ms. Default Date.now. Only the time axis depends on it. */
  readonly now?: () => number;
}

/**
 * Writes `events.out.tfevents.*` for `tensorboard --logdir`. A run that is resumed
 * adds a file of its own, as TensorFlow's writers do; TensorBoard joins them and hides the steps that were done again.
 *
 * @param folder the run folder
 */
export function tensorBoardSink(folder: string, options: TensorBoardOptions = {}): MetricSink {
  const now = options.now ?? Date.now;
  let file: AppendFile | undefined;
  return {
    name: "tensorboard",
    async write(records) {
      const wallTime = now() / 1000;
      file ??= appendFile(
        join(folder, `events.out.tfevents.${Math.floor(wallTime)}.${hostname()}.${process.pid}.v-triune`),
        { lines: false },
      );
      const parts: Uint8Array[] = (await file.size()) === 0 ? [tfRecord(fileVersionEvent(wallTime))] : [];
      for (const record of records) {
        const scalars = Object.entries(record.metrics).map(
          ([metric, value]) => [metricTag(record, metric), value] as const,
        );
        if (scalars.length > 0) parts.push(tfRecord(scalarEvent(wallTime, record.step, scalars)));
      }
      await file.append(Buffer.concat(parts));
    },
    async close() {
      await file?.close();
    },
  };
}
