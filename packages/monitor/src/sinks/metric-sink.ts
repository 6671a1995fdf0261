/**
 * The MetricSink seam: records → somewhere. A sink may fail in any way; `createSinkGroup` stands between it and the
 * training loop, so that a full disk or a dead server costs metrics at worst, never a step.
 */
import type { MetricRecord } from "../metric-record";

export interface MetricSink {
  /** For messages: "jsonl", "tensorboard", .. */
  readonly name: string;
  /**
   * Takes records in the order of the run. Resolves when they are where they belong (in the file, at the server);
   * rejects when none of them is, and will then be given the same records again.
   */
  write(records: readonly MetricRecord[]): Promise<void>;
  /** Releases what the sink holds. Not called before every `write` has settled. */
  close(): Promise<void>;
}

export interface SinkGroupOptions {
  /** Told once when a sink begins to fail, once when it works again, and at the close about what was lost. */
  readonly onProblem: (message: string) => void;
  /** Records kept for a failing sink; the oldest are dropped first. Default 20,000. */
  readonly bufferLimit?: number;
  /** Wait before the first retry in ms, doubled up to a minute. Default 1,000. */
  readonly retryDelay?: number;
  /** How long `close` waits for buffered records, in ms. Default 15,000. */
  readonly closeTimeout?: number;
}

export interface SinkGroup {
  /** Hands the records to every sink and returns at once; never throws. */
  write(records: readonly MetricRecord[]): void;
  /** Resolves when every sink has written, or has just failed to write, what it was given; never rejects. */
  flush(): Promise<void>;
  /** Tries to write what is left, closes every sink; never rejects. */
  close(): Promise<void>;
}

const LONGEST_DELAY = 60_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One sink with its queue; writes never overlap, so order is kept. */
function createLane(sink: MetricSink, options: Required<SinkGroupOptions>) {
  let queue: MetricRecord[] = [];
  let running: Promise<void> | null = null;
  let failures = 0;
  let lost = 0;
  let retry: NodeJS.Timeout | undefined;

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      try {
        await sink.write(batch);
        if (failures > 0)
          options.onProblem(`metrics: ${sink.name} works again, ${batch.length} buffered records are written.`);
        failures = 0;
      } catch (error) {
        queue = batch.concat(queue);
        trim();
        failures += 1;
        if (failures === 1) {
          options.onProblem(
            `metrics: ${sink.name} failed (${messageOf(error)}). Training goes on; its records are buffered and ` +
              "retried.",
          );
        }
        const delay = Math.min(LONGEST_DELAY, options.retryDelay * 2 ** (failures - 1));
        retry = setTimeout(() => {
          retry = undefined;
          start();
        }, delay);
        retry.unref();
        return;
      }
    }
  }

  function trim(): void {
    const excess = queue.length - options.bufferLimit;
    if (excess <= 0) return;
    queue.splice(0, excess);
    lost += excess;
  }

  function start(): Promise<void> {
    clearTimeout(retry);
    retry = undefined;
    running ??= drain().finally(() => {
      running = null;
      // Records may have come in after the loop had seen an empty queue.
      if (queue.length > 0 && retry === undefined) void start();
    });
    return running;
  }

  return {
    add(records: readonly MetricRecord[]): void {
      for (const record of records) queue.push(record);
      trim();
      // A sink that is waiting for its retry is not asked again by every step.
      if (retry === undefined) void start();
    },
    flush: (): Promise<void> => start(),
    async close(): Promise<void> {
      await start();
      clearTimeout(retry);
      lost += queue.length;
      if (lost > 0) options.onProblem(`metrics: ${sink.name} lost ${lost} records.`);
      try {
        await sink.close();
      } catch (error) {
        options.onProblem(`metrics: ${sink.name} did not close (${messageOf(error)}).`);
      }
    },
  };
}

/**
 * Several sinks as one that never fails and never blocks.
 *
 * @example
 * const sinks = createSinkGroup([jsonlSink("metrics.jsonl")], { onProblem: console.warn });
 * sinks.write(records);
 * await sinks.close();
 */
export function createSinkGroup(sinks: readonly MetricSink[], options: SinkGroupOptions): SinkGroup {
  const settings = { bufferLimit: 20_000, retryDelay: 1000, closeTimeout: 15_000, ...options };
  const lanes = sinks.map((sink) => createLane(sink, settings));
  return {
    write(records) {
      for (const lane of lanes) lane.add(records);
    },
    async flush() {
      await Promise.all(lanes.map((lane) => lane.flush()));
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          options.onProblem(
            `metrics: a sink did not finish within ${settings.closeTimeout} ms; its last records may be missing.`,
          );
          resolve();
        }, settings.closeTimeout);
      });
      await Promise.race([Promise.all(lanes.map((lane) => lane.close())), timeout]);
      clearTimeout(timer);
    },
  };
}
