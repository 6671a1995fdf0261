import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MetricRecord } from "../metric-record";
import { consoleTableSink } from "./console-table";
import { csvSink } from "./csv";
import { jsonlSink } from "./jsonl";
import { createSinkGroup, type MetricSink } from "./metric-sink";
import { metricSinkConformance } from "./metric-sink-conformance";
import { formatPrometheus, prometheusSink } from "./prometheus";
import { tensorBoardSink } from "./tensorboard";
import { crc32c } from "./tensorboard-event-file";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-sinks-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const record = (step: number, over: Partial<MetricRecord> = {}): MetricRecord => ({
  step,
  split: "train",
  scope: "source",
  name: "clevr",
  metrics: { x: step },
  ...over,
});

const makers: Readonly<Record<string, () => MetricSink>> = {
  jsonl: () => jsonlSink(join(folder, "a/metrics.jsonl")),
  csv: () => csvSink(join(folder, "a/metrics.csv")),
  prometheus: () => prometheusSink(join(folder, "a/metrics.prom")),
  tensorboard: () => tensorBoardSink(join(folder, "a")),
  console: () => consoleTableSink({ print: () => {} }),
};
for (const [name, create] of Object.entries(makers)) {
  describe(`${name} conforms`, () => {
    for (const { name: title, run } of metricSinkConformance(create)) it(title, run);
  });
}

describe("jsonlSink", () => {
  const lines = (): number[] =>
    readFileSync(join(folder, "m.jsonl"), "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as MetricRecord).step);

  it("continues a file, cutting off the line that a crash left half written", async () => {
    const first = jsonlSink(join(folder, "m.jsonl"));
    await first.write([record(1), record(2)]);
    await first.close();
    appendFileSync(join(folder, "m.jsonl"), '{"step":3,"split":"tr');
    const second = jsonlSink(join(folder, "m.jsonl"));
    await second.write([record(3)]);
    await second.close();
    expect(lines()).toEqual([1, 2, 3]);
  });

  it("cuts off a half line that is all there is", async () => {
    writeFileSync(join(folder, "m.jsonl"), "x".repeat(200_000));
    const sink = jsonlSink(join(folder, "m.jsonl"));
    await sink.write([record(1)]);
    await sink.close();
    expect(lines()).toEqual([1]);
  });

  it("writes a batch once, although the disk was full in the middle of it", async () => {
    const probe = await open(join(folder, "probe"), "w");
    const prototype = Object.getPrototypeOf(probe) as { write: (...args: unknown[]) => Promise<unknown> };
    await probe.close();
    const sink = jsonlSink(join(folder, "m.jsonl"));
    await sink.write([record(1)]);
    const write = prototype.write;
    vi.spyOn(prototype, "write").mockImplementationOnce(async function half(this: unknown, ...args: unknown[]) {
      await write.call(this, (args[0] as Buffer).subarray(0, 10));
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    });
    await expect(sink.write([record(2), record(3)])).rejects.toThrow("ENOSPC");
    await sink.write([record(2), record(3)]);
    await sink.close();
    expect(lines()).toEqual([1, 2, 3]);
  });
});

describe("csvSink", () => {
  it("writes the header once and quotes what needs it", async () => {
    const path = join(folder, "m.csv");
    for (const step of [1, 2]) {
      const sink = csvSink(path);
      await sink.write([record(step, { name: 'a "b", c', task: "ocr", metrics: { "x/mean": 0.5 } })]);
      await sink.close();
    }
    expect(readFileSync(path, "utf8")).toBe(
      'step,split,scope,name,task,metric,value\n1,train,source,"a ""b"", c",ocr,x/mean,0.5\n2,train,source,"a ""b"", c",ocr,x/mean,0.5\n',
    );
  });
});

describe("Prometheus", () => {
  it("is the newest value of each series, with escaped labels", async () => {
    const sink = prometheusSink(join(folder, "m.prom"));
    await sink.write([record(1), record(2, { name: 'a"\\\n', metrics: { "acc/best@8/mean": Infinity } })]);
    await sink.write([record(3)]);
    expect(readFileSync(join(folder, "m.prom"), "utf8")).toBe(
      [
        "# TYPE v_triune_step gauge",
        'v_triune_step{split="train",scope="source",name="clevr"} 3',
        'v_triune_step{split="train",scope="source",name="a\\"\\\\\\n"} 2',
        "# TYPE v_triune_x gauge",
        'v_triune_x{split="train",scope="source",name="clevr"} 3',
        "# TYPE v_triune_acc_best_at_8_mean gauge",
        'v_triune_acc_best_at_8_mean{split="train",scope="source",name="a\\"\\\\\\n"} +Inf',
        "",
      ].join("\n"),
    );
    expect(readdirSync(folder)).toEqual(["m.prom"]);
  });

  it("has every family in one block", () => {
    const text = formatPrometheus([
      record(1, { metrics: { a: 1, b: 2 } }),
      record(1, { name: "other", metrics: { b: 3, a: 4 } }),
    ]);
    expect(text.match(/# TYPE/g)).toHaveLength(3);
    expect(text).toMatch(/# TYPE v_triune_a gauge\nv_triune_a\{.*\} 1\nv_triune_a\{.*\} 4\n/);
  });
});

/**
 * Reads back what TensorFlow's own reader would: framing, checksums, and the three fields of an event that we write.
 */
function readEvents(bytes: Buffer): { step: number; version?: string; scalars: Record<string, number> }[] {
  const unmask = (masked: number): number => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const events = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(unmask(bytes.readUInt32LE(at + 8))).toBe(crc32c(bytes.subarray(at, at + 8)));
    const payload = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(bytes.readUInt32LE(at + 12 + length))).toBe(crc32c(payload));
    at += length + 16;
    events.push(readEvent(payload));
  }
  return events;
}

function fields(bytes: Buffer): { field: number; value: Buffer | number }[] {
  const list: { field: number; value: Buffer | number }[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const field = key >>> 3;
    if ((key & 7) === 0) list.push({ field, value: varint() });
    else if ((key & 7) === 1) list.push({ field, value: bytes.readDoubleLE((at += 8) - 8) });
    else if ((key & 7) === 5) list.push({ field, value: bytes.readFloatLE((at += 4) - 4) });
    else {
      const length = varint();
      list.push({ field, value: bytes.subarray(at, (at += length)) });
    }
  }
  return list;
}

function readEvent(payload: Buffer): { step: number; version?: string; scalars: Record<string, number> } {
  const event: { step: number; version?: string; scalars: Record<string, number> } = { step: 0, scalars: {} };
  for (const { field, value } of fields(payload)) {
    if (field === 2) event.step = value as number;
    if (field === 3) event.version = String(value);
    if (field !== 5) continue;
    for (const summary of fields(value as Buffer)) {
      const [tag, simple] = fields(summary.value as Buffer);
      event.scalars[String(tag!.value)] = simple!.value as number;
    }
  }
  return event;
}

describe("TensorBoard", () => {
  it("computes CRC-32C as RFC 3720 has it", () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e);
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });

  it("writes events that carry step, tag and value", async () => {
    const sink = tensorBoardSink(folder, { now: () => 1_700_000_000_500 });
    await sink.write([
      record(3, { metrics: { "critic/rewards/mean": 0.5 } }),
      record(3, { scope: "all", name: "all", metrics: { "actor/pg_loss": -2 } }),
    ]);
    await sink.write([record(300_000, { split: "eval", metrics: { "acc/mean@1": 0.25 } })]);
    await sink.close();
    const [file] = readdirSync(folder);
    expect(file).toMatch(/^events\.out\.tfevents\.1700000000\..+\.v-triune$/);
    expect(readEvents(readFileSync(join(folder, file!)))).toEqual([
      { step: 0, version: "brain.Event:2", scalars: {} },
      { step: 3, scalars: { "source/clevr/critic/rewards/mean": 0.5 } },
      { step: 3, scalars: { "actor/pg_loss": -2 } },
      { step: 300_000, scalars: { "val-core/clevr/acc/mean@1": 0.25 } },
    ]);
  });

  const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";
  const hasTensorBoard = ((): boolean => {
    try {
      execFileSync(python, ["-c", "import tensorboard"], { stdio: "ignore", timeout: 60_000 });
      return true;
    } catch {
      console.warn(
        `skipped: TensorBoard's own reader, as ${python} has no tensorboard (pip install tensorboard, or name a ` +
          "Python that has it in V_TRIUNE_PYTHON)",
      );
      return false;
    }
  })();
  it.skipIf(!hasTensorBoard)("is read by the tensorboard package", async () => {
    const sink = tensorBoardSink(folder);
    await sink.write(
      [1, 2, 3].map((step) => record(step, { metrics: { "critic/rewards/mean": step / 4, nan: Number.NaN } })),
    );
    await sink.close();
    const script = [
      "import json, sys",
      "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator",
      "reader = EventAccumulator(sys.argv[1]); reader.Reload()",
      "print(json.dumps({tag: [[e.step, str(e.value)] for e in reader.Scalars(tag)] for tag in " +
        "reader.Tags()['scalars']}))",
    ].join("\n");
    const scalars = JSON.parse(
      execFileSync(python, ["-c", script, folder], { encoding: "utf8", timeout: 100_000 }),
    ) as unknown;
    expect(scalars).toEqual({
      "source/clevr/critic/rewards/mean": [
        [1, "0.25"],
        [2, "0.5"],
        [3, "0.75"],
      ],
      "source/clevr/nan": [
        [1, "nan"],
        [2, "nan"],
        [3, "nan"],
      ],
    });
  });
});

describe("createSinkGroup", () => {
  /** A sink that fails while `broken` is true. */
  function flakySink() {
    const state = { broken: true, written: [] as number[], closed: false, attempts: 0 };
    const sink: MetricSink = {
      name: "flaky",
      async write(records) {
        state.attempts += 1;
        if (state.broken) throw new Error("no route to host");
        state.written.push(...records.map(({ step }) => step));
      },
      async close() {
        state.closed = true;
      },
    };
    return { state, sink };
  }

  it("buffers what a sink refuses, writes it later in order, and says each once", async () => {
    const { state, sink } = flakySink();
    const healthy = flakySink();
    healthy.state.broken = false;
    const said: string[] = [];
    const group = createSinkGroup([sink, healthy.sink], { onProblem: (message) => said.push(message), retryDelay: 5 });
    for (const step of [1, 2, 3]) {
      group.write([record(step)]);
      await group.flush();
    }
    expect(healthy.state.written).toEqual([1, 2, 3]);
    expect(said).toEqual([
      "metrics: flaky failed (no route to host). Training goes on; its records are buffered and retried.",
    ]);
    state.broken = false;
    await vi.waitFor(() => expect(state.written).toEqual([1, 2, 3]));
    expect(said).toHaveLength(2);
    expect(said[1]).toMatch(/works again, 3 buffered/);
    await group.close();
    expect(state.closed && healthy.state.closed).toBe(true);
  });

  it("does not ask a dead sink again at every step", async () => {
    const { state, sink } = flakySink();
    const group = createSinkGroup([sink], { onProblem: () => {}, retryDelay: 60_000 });
    for (let step = 1; step <= 100; step += 1) {
      group.write([record(step)]);
      await Promise.resolve();
    }
    expect(state.attempts).toBe(1);
    await group.close();
  });

  it("forgets the oldest when the buffer is full, and says how many were lost", async () => {
    const { state, sink } = flakySink();
    const said: string[] = [];
    const group = createSinkGroup([sink], { onProblem: (message) => said.push(message), bufferLimit: 3 });
    for (const step of [1, 2, 3, 4, 5]) group.write([record(step)]);
    await group.flush();
    state.broken = false;
    await group.close();
    expect(state.written).toEqual([3, 4, 5]);
    expect(said.at(-1)).toMatch(/lost 2 records/);
  });

  it("neither throws nor waits for a sink that throws at once or never answers", async () => {
    const throwing: MetricSink = {
      name: "throwing",
      write: () => {
        throw new Error("at once");
      },
      close: () => Promise.reject(new Error("nor closes")),
    };
    const hanging: MetricSink = { name: "hanging", write: () => new Promise(() => {}), close: async () => {} };
    const said: string[] = [];
    const group = createSinkGroup([throwing, hanging], {
      onProblem: (message) => said.push(message),
      closeTimeout: 20,
    });
    group.write([record(1)]);
    await group.close();
    expect(said.some((message) => /throwing failed \(at once\)/.test(message))).toBe(true);
    expect(said.some((message) => /throwing did not close/.test(message))).toBe(true);
    expect(said.some((message) => /did not finish within 20 ms/.test(message))).toBe(true);
  });

  it("keeps the file whole when records come while it is being written", async () => {
    const path = join(folder, "m.jsonl");
    const group = createSinkGroup([jsonlSink(path)], { onProblem: (message) => expect.fail(message) });
    for (let step = 0; step < 200; step += 1) group.write([record(step)]);
    await group.close();
    const steps = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as MetricRecord).step);
    expect(steps).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(statSync(path).size).toBeGreaterThan(0);
  });
});
