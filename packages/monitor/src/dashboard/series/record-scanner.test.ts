import fc from "fast-check";
import { expect, it } from "vitest";
import { parseRecordLine } from "../../record-line";
import { MetricStreams } from "./metric-streams";
import { RecordScanner } from "./record-scanner";

const plain = (reasons: unknown): unknown => (typeof reasons === "string" ? JSON.parse(reasons) : reasons);

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** Everything that streams hold, as it can be compared. */
function dump(streams: MetricStreams): unknown {
  return {
    lastStep: streams.lastStep,
    streams: streams
      .all()
      .map(({ key, task, reasons, metrics }) => ({
        key,
        task,
        reasons: plain(reasons),
        metrics: [...metrics]
          .filter(([, { length }]) => length > 0)
          .map(([name, { steps, values }]) => [name, [...steps], [...values]])
          .sort(byText),
      }))
      .sort(byText),
  };
}

function scanned(lines: readonly string[], bytesAfter = 16): { bad: number; dump: unknown } {
  const streams = new MetricStreams();
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const bad = new RecordScanner(streams).read(Buffer.concat([text, Buffer.alloc(bytesAfter, 0x7d)]), 0, text.length);
  return { bad, dump: dump(streams) };
}

function parsed(lines: readonly string[]): { bad: number; dump: unknown } {
  const streams = new MetricStreams();
  const records = lines.filter((line) => line.trim() !== "").map(parseRecordLine);
  for (const record of records) if (record !== null) streams.take(record);
  return { bad: records.filter((record) => record === null).length, dump: dump(streams) };
}

const name = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom("critic/rewards/mean", "a", "ä/é", "response_length/p50", "constructor", "__proto__"),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 9, minLength: 1 }) },
);
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.double({ min: -2, max: 2, noNaN: true }),
  fc.constantFrom<string | number | null>("NaN", "Infinity", "-Infinity", "other", null, 0, 1e-7, 1e300),
);
const record = fc.record(
  {
    step: fc.integer({ min: 0, max: 40 }),
    split: fc.constantFrom("train", "train", "eval", "other"),
    scope: fc.constantFrom("source", "task", "all"),
    name: fc.oneof(fc.constantFrom("clevr", "all"), fc.string({ maxLength: 5 })),
    task: fc.constantFrom("counting", "ocr"),
    metrics: fc.dictionary(name, value, { maxKeys: 9 }),
    reasons: fc.dictionary(
      fc.string({ maxLength: 9, minLength: 1 }).filter((text) => text !== "__proto__"),
      fc.nat(),
      { maxKeys: 2, minKeys: 1 },
    ),
  },
  { requiredKeys: ["step", "split", "scope", "name", "metrics"] },
);
/** As a run writes it, mostly; as another program would, cut off, or not at all. */
const line = fc.oneof(
  { weight: 12, arbitrary: record.map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: record.map((one) => JSON.stringify(one, null, 1).replaceAll("\n", "")) },
  { weight: 1, arbitrary: record.map((one) => JSON.stringify(Object.fromEntries(Object.entries(one).toReversed()))) },
  { weight: 1, arbitrary: fc.tuple(record, fc.nat(200)).map(([one, length]) => JSON.stringify(one).slice(0, length)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "",
      " ",
      "{}",
      "null",
      '{"step":1',
      '{"step":01,"split":"train","scope":"all","name":"all","metrics":{"a":1}}',
      '{"step":1,"split":"train","scope":"all","name":"all","metrics":{"a":01}}',
      '{"step":1,"split":"train","scope":"all","name":"all","metrics":{"a":1.}}',
      '{"step":2,"split":"train","scope":"all","name":"all","metrics":{"a":1,}}',
      '{"step":2,"split":"train","scope":"all","name":"all","metrics":{}}',
      '{"step":2.5,"split":"train","scope":"all","name":"all","metrics":{"a":1}}',
      '{"step":3,"split":"train","scope":"all","name":"all","metrics":{"a":-}}',
      '{"step":3,"split":"train","scope":"all","name":"all","metrics":{"a":1e}}',
      '{"step":4,"split":"train","scope":"all","name":"all","metrics":{"a":-0.5e-3,"b":1E2}}\r',
    ),
  },
);

it("finds in any lines what JSON.parse does, to the last bit", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.integer({ min: 0, max: 8 }), (lines, bytesAfter) => {
      expect(scanned(lines, bytesAfter)).toEqual(parsed(lines));
    }),
    { numRuns: 800, seed: 11 },
  );
});

it("follows metrics that come and go, and takes nothing from a line that breaks off", () => {
  const at = (step: number, metrics: object): string =>
    JSON.stringify({ step, split: "train", scope: "source", name: "clevr", metrics });
  const lines = [
    at(1, { a: 1, b: 2, c: 3 }),
    at(2, { a: 1, c: 3 }),
    at(3, { b: 2 }),
    at(4, { a: 1, b: 2, c: 3, d: 4 }),
    at(5, { a: 9, b: 9 }).slice(0, -4),
    at(6, { d: 0.1, a: 0.30000000000000004 }),
  ];
  expect(scanned(lines)).toEqual(parsed(lines));
  expect(scanned(lines).bad).toBe(1);
});
