/** A run's numbers in memory: a series a metric, for each source, task and all, of training and of evaluation. */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { MetricRecord } from "../../metric-record";
import type { StreamKey } from "../dashboard-api";
import { GrowingSeries } from "./growing-series";

/** Names of metrics and sources that one run may bring; more is not a run but a mistake or an attack. */
const MOST_SERIES = 20_000;
const MOST_STREAMS = 5_000;

/** One source, task or all. */
export interface MetricStream {
  readonly key: StreamKey;
  task: string | null;
  /** Why rollouts were left out at the last step that says so; as text until somebody asks. */
  reasons: Readonly<Record<string, unknown>> | string;
  readonly metrics: Map<string, GrowingSeries>;
}

const keyText = ({ split, scope, name }: StreamKey): string => JSON.stringify([split, scope, name]);

/** Steps are counted, not measured. */
export const isStep = (step: number): boolean => Number.isSafeInteger(step) && step >= 0;

/** The streams of one run. */
export class MetricStreams {
  readonly #streams = new Map<string, MetricStream>();
  #seriesCount = 0;
  /** Last training step. */
  lastStep = 0;

  /** The stream of a key, new if need be; undefined once there are too many. */
  stream(key: StreamKey): MetricStream | undefined {
    const text = keyText(key);
    let stream = this.#streams.get(text);
    if (stream === undefined && this.#streams.size < MOST_STREAMS) {
      stream = {
        key: { split: key.split, scope: key.scope, name: key.name },
        task: null,
        reasons: {},
        metrics: new Map(),
      };
      this.#streams.set(text, stream);
    }
    return stream;
  }

  /** The series of a stream's metric, new if need be; undefined once there are too many. */
  series(stream: MetricStream, metric: string): GrowingSeries | undefined {
    let series = stream.metrics.get(metric);
    if (series === undefined && this.#seriesCount < MOST_SERIES) {
      this.#seriesCount += 1;
      stream.metrics.set(metric, (series = new GrowingSeries()));
    }
    return series;
  }

  /** Adds a record, unless its step is not a step. */
  take(record: MetricRecord): void {
    if (!isStep(record.step)) return;
    const stream = this.stream(record);
    if (stream === undefined) return;
    if (typeof record.task === "string") stream.task = record.task;
    if (isRecord(record.reasons)) stream.reasons = record.reasons;
    for (const [metric, value] of Object.entries(record.metrics)) this.series(stream, metric)?.push(record.step, value);
    if (record.split === "train" && record.step > this.lastStep) this.lastStep = record.step;
  }

  /** A series that is there. */
  find(key: StreamKey, metric: string): GrowingSeries | undefined {
    return this.#streams.get(keyText(key))?.metrics.get(metric);
  }

  /** Those with a number; a line that broke off may have begun others. */
  all(): MetricStream[] {
    return [...this.#streams.values()].filter(({ metrics }) => [...metrics.values()].some(({ length }) => length > 0));
  }
}
