/**
 * What every MetricSink must do, as cases that any test runner can run: give them a way to make your sink, and name
 * each test after its case.
 */
import type { MetricRecord } from "../metric-record";
import type { MetricSink } from "./metric-sink";

export interface MetricSinkCase {
  readonly name: string;
  /** Rejects with what the sink did wrong. */
  run(): Promise<void>;
}

const record = (step: number, over: Partial<MetricRecord> = {}): MetricRecord => ({
  step,
  split: "train",
  scope: "source",
  name: "clevr",
  task: "counting",
  metrics: { "critic/rewards/mean": step / 10 },
  ...over,
});

/** Records that a sink must take without complaint: strange names, numbers that are not finite, nothing at all. */
const awkward: readonly MetricRecord[] = [
  record(0, { split: "eval", metrics: { "acc/best@8/mean": 1 } }),
  record(1, {
    scope: "all",
    name: "all",
    metrics: { a: Number.NaN, b: Infinity, c: -Infinity, d: -0, e: 1e308, f: 5e-324 },
  }),
  record(2, {
    name: 'quoted "source", with\nline break \u0000 and 日本語 🎈',
    metrics: { 'a name, with "everything"\\': 1 },
  }),
  record(3, { metrics: {} }),
  record(4, { metrics: {}, reasons: { "error: <script>": 3 } }),
];

/**
 * @param create makes a new, independent sink each time
 * @example for (const { name, run } of metricSinkConformance(() => mySink())) it(name, run);
 */
export function metricSinkConformance(create: () => MetricSink | Promise<MetricSink>): MetricSinkCase[] {
  const withSink = (use: (sink: MetricSink) => Promise<void>) => async () => {
    const sink = await create();
    await use(sink);
  };
  return [
    {
      name: "has a name",
      run: withSink(async (sink) => {
        if (sink.name.trim() === "") throw new Error("the sink's name is empty");
        await sink.close();
      }),
    },
    { name: "can be closed without having written", run: withSink((sink) => sink.close()) },
    {
      name: "takes nothing, one record, and many, and closes",
      run: withSink(async (sink) => {
        await sink.write([]);
        await sink.write([record(1)]);
        await sink.write(Array.from({ length: 500 }, (_, i) => record(2 + i)));
        await sink.close();
      }),
    },
    {
      name: "takes awkward names and numbers",
      run: withSink(async (sink) => {
        await sink.write(awkward);
        await sink.close();
      }),
    },
    {
      name: "leaves the records as they are",
      run: withSink(async (sink) => {
        const records = awkward.map((entry) => structuredClone(entry));
        for (const entry of records) Object.freeze(entry.metrics);
        await sink.write(Object.freeze(records));
        await sink.close();
        if (
          records.some(
            (entry, i) =>
              entry.name !== awkward[i]!.name ||
              Object.keys(entry.metrics).length !== Object.keys(awkward[i]!.metrics).length,
          )
        ) {
          throw new Error("the sink changed a record that it was given");
        }
      }),
    },
    {
      name: "closes twice without complaint",
      run: withSink(async (sink) => {
        await sink.write([record(1)]);
        await sink.close();
        await sink.close();
      }),
    },
  ];
}
