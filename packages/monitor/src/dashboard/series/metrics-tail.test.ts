import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseRecordLine } from "../../record-line";
import { createMetricsTail } from "./metrics-tail";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-tail-"));
  path = join(folder, "metrics.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (step: number): string =>
  `${JSON.stringify({ step, split: "train", scope: "all", name: "all", metrics: { ä: step } })}\n`;

function follow() {
  const steps: number[] = [];
  const tail = createMetricsTail(path, {
    lines(bytes, from, to) {
      const records = bytes.toString("utf8", from, to).trim().split("\n").map(parseRecordLine);
      for (const record of records) if (record !== null) steps.push(record.step);
      return records.filter((record) => record === null).length;
    },
    restarted: () => steps.splice(0),
  });
  return { steps, tail };
}

it("waits for a file, then for the rest of a line, even one cut inside a character", async () => {
  const { steps, tail } = follow();
  expect(await tail.read()).toBe(false);
  const second = Buffer.from(line(2));
  const cut = second.indexOf(Buffer.from("ä")) + 1;
  writeFileSync(path, Buffer.concat([Buffer.from(line(1)), second.subarray(0, cut)]));
  expect(await tail.read()).toBe(true);
  expect(steps).toEqual([1]);
  appendFileSync(path, second.subarray(cut));
  await tail.read();
  expect(steps).toEqual([1, 2]);
  expect(tail.badLines).toBe(0);
  expect(await tail.read()).toBe(false);
});

it("starts again when a resumed run has replaced the file", async () => {
  const { steps, tail } = follow();
  writeFileSync(path, line(1) + line(2) + line(3));
  await tail.read();
  writeFileSync(`${path}.new`, line(1) + line(2));
  renameSync(`${path}.new`, path);
  await tail.read();
  expect(steps).toEqual([1, 2]);
});

it("counts what is no record, and skips a line of megabytes without keeping it", async () => {
  const { steps, tail } = follow();
  writeFileSync(path, `${line(1)}nonsense\n{"step":1}\n${"x".repeat(9 << 20)}\n${line(2)}`);
  // On a busy machine one reading stops before the end.
  do await tail.read();
  while (tail.progress.read < tail.progress.size);
  expect(steps).toEqual([1, 2]);
  expect(tail.badLines).toBe(3);
});
