import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { dropRecordsAfter, readMetricRecords } from "./metrics-file";
import { formatRecordLine, parseRecordLine } from "./record-line";
import type { MetricRecord } from "./metric-record";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-metrics-"));
  path = join(folder, "metrics.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = (step: number, metrics: Record<string, number> = { a: step }): MetricRecord => ({
  step,
  split: "train",
  scope: "source",
  name: "clevr",
  metrics,
});

async function readAll(bad: number[] = []): Promise<MetricRecord[]> {
  const records: MetricRecord[] = [];
  for await (const entry of readMetricRecords(path, (line) => bad.push(line))) records.push(entry);
  return records;
}

it("carries numbers that JSON has no form for", () => {
  const line = formatRecordLine(record(1, { nan: Number.NaN, up: Infinity, down: -Infinity, x: 1e-300 }));
  expect(JSON.parse(line).metrics).toEqual({ nan: "NaN", up: "Infinity", down: "-Infinity", x: 1e-300 });
  expect(parseRecordLine(line)).toEqual(record(1, { nan: Number.NaN, up: Infinity, down: -Infinity, x: 1e-300 }));
});

it("reads past lines that are no records and a last line that is half written", async () => {
  writeFileSync(
    path,
    `${formatRecordLine(record(1))}\nnot json\n{"step":1}\n\n${formatRecordLine(record(2))}\n{"step":3,"spl`,
  );
  const bad: number[] = [];
  expect((await readAll(bad)).map(({ step }) => step)).toEqual([1, 2]);
  expect(bad).toEqual([2, 3, 6]);
});

it("drops what came after a step and leaves nothing else behind", async () => {
  for (const step of [1, 2, 3, 4]) appendFileSync(path, `${formatRecordLine(record(step))}\n`);
  const kept = readFileSync(path, "utf8").split("\n").slice(0, 2).join("\n");
  expect(await dropRecordsAfter(path, 2)).toBe(2);
  expect(readFileSync(path, "utf8")).toBe(`${kept}\n`);
  expect(readdirSync(folder)).toEqual(["metrics.jsonl"]);
});

it("has nothing to drop from a missing file", async () => {
  expect(await dropRecordsAfter(path, 2)).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});
