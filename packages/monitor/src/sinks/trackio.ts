/**
 * trackio: a run's numbers in a self-hosted server, one log per step and split. Names are those of TensorBoard
 * (`metricTag`); numbers that are not finite go as trackio's own client writes them ("NaN", "Infinity").
 */
import { metricTag, type MetricRecord } from "../metric-record";
import type { MetricSink } from "./metric-sink";
import { createTrackioClient, type TrackioLog, type TrackioServer } from "./trackio-client";

export interface TrackioOptions extends TrackioServer {
  readonly project: string;
  readonly runName: string;
  /** Shown with the run. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** The wall clock, in ms; tells the logs of a run that is resumed from those before. Default Date.now. */
  readonly now?: (() => number) | undefined;
}

/** Logs of some records: those of one step and split together. */
export function trackioLogs(
  records: readonly MetricRecord[],
  { project, runName, config, id }: Pick<TrackioOptions, "project" | "runName" | "config"> & { readonly id: string },
): TrackioLog[] {
  const logs = new Map<string, TrackioLog & { readonly metrics: Record<string, unknown> }>();
  for (const record of records) {
    const key = `${record.step} ${record.split}`;
    let log = logs.get(key);
    if (log === undefined) {
      const { step } = record;
      logs.set(key, (log = { project, run: runName, step, metrics: {}, config, log_id: `${id} ${key}` }));
    }
    for (const [metric, value] of Object.entries(record.metrics))
      log.metrics[metricTag(record, metric)] = Number.isFinite(value) ? value : String(value);
  }
  return [...logs.values()].filter(({ metrics }) => Object.keys(metrics).length > 0);
}

/** Writes to a trackio server. It needs no end of a run. */
export function trackioSink(options: TrackioOptions): MetricSink {
  const client = createTrackioClient(options);
  // A write that failed halfway is sent again with the same ids, which the server stores once.
  const id = `${options.runName} ${(options.now ?? Date.now)()}`;
  return {
    name: "trackio",
    async write(records) {
      const logs = trackioLogs(records, { ...options, id });
      if (logs.length > 0) await client.log(logs);
    },
    async close() {},
  };
}
