import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { fileRecords } from "../adapters/table-records";
import { shortestFloat, shortestHalf } from "./cell-reader";
import { withDatabase } from "./database";

const folder = mkdtempSync(join(tmpdir(), "cells-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Written by pyarrow 26: question, answer, h (float16: 0.1, 1.5, 65504), l (lists of float16: [0.1], [], null). */
const HALVES =
  "UEFSMRUEFR4VIkwVBhUAEgAADzgBAAAAYQEAAABiAQAAAGMVABUUFRgsFQYVEBUGFQYcNgAoAWMYAWEREQAAAAokAgAAAAYBAgMkABUEFR4VIk" +
  "wVBhUAEgAADzgBAAAAMQEAAAAyAQAAADMVABUUFRgsFQYVEBUGFQYcNgAoATMYATEREQAAAAokAgAAAAYBAgMkABUEFQwVEEwVBhUAEgAABhRm" +
  "LgA+/3sVABUUFRgsFQYVEBUGFQYcGAL/exgCZi4WACgC/3sYAmYuEREAAAAKJAIAAAAGAQIDJAAVBBUEFQhMFQIVABIAAAIEZi4VABUgFSQsFQ" +
  "YVEBUGFQYcGAJmLhgCZi4WBCgCZi4YAmYuEREAAAAQPAIAAAAGAAMAAAADBwABAgAVBBl8NQAYBnNjaGVtYRUIABUMJQIYCHF1ZXN0aW9uJQBM" +
  "HAAAABUMJQIYBmFuc3dlciUATBwAAAAVDhUEFQIYAWhs/AAAADUCGAFsFQIVBkw8AAAANQQYBGxpc3QVAgAVDhUEFQIYB2VsZW1lbnRs/AAAAB" +
  "YGGRwZTCYAHBUMGTUABhAZGAhxdWVzdGlvbhUCFgYWiAEWkAEmRiYIHDYAKAFjGAFhEREAGSwVBBUAFQIAFQAVEBUCADwWBhkGGSYABgAAACYA" +
  "HBUMGTUABhAZGAZhbnN3ZXIVAhYGFogBFpABJtYBJpgBHDYAKAEzGAExEREAGSwVBBUAFQIAFQAVEBUCADwWBhkGGSYABgAAACYAHBUOGTUABh" +
  "AZGAFoFQIWBhaKARaSASbUAiaoAhwYAv97GAJmLhYAKAL/exgCZi4REQAZLBUEFQAVAgAVABUQFQIAPCkGGSYABgAAACYAHBUOGTUABhAZOAFs" +
  "BGxpc3QHZWxlbWVudBUCFgYWjgEWlgEm3gMmugMcGAJmLhgCZi4WBCgCZi4YAmYuEREAGSwVBBUAFQIAFQAVEBUCADwpJgYAGUYCAgACAAAAFq" +
  "gEFgYmCBbIBAAZHBgMQVJST1c6c2NoZW1hGIwDLy8vLy95QUJBQUFRQUFBQUFBQUtBQXdBQmdBRkFBZ0FDZ0FBQUFBQkJBQU1BQUFBQ0FBSUFB" +
  "QUFCQUFJQUFBQUJBQUFBQVFBQUFDOEFBQUFnQUFBQUZnQUFBQUVBQUFBWlAvLy93QUFBUXdVQUFBQUdBQUFBQVFBQUFBQkFBQUFFQUFBQUFFQU" +
  "FBQnNBQUFBVVAvLy80ei8vLzhBQUFFREVBQUFBQmdBQUFBRUFBQUFBQUFBQUFRQUFBQnBkR1Z0QUFBQUFIai8vLyswLy8vL0FBQUJBeEFBQUFB" +
  "VUFBQUFCQUFBQUFBQUFBQUJBQUFBYUFBQUFKei8vLy9ZLy8vL0FBQUJCUkFBQUFBWUFBQUFCQUFBQUFBQUFBQUdBQUFBWVc1emQyVnlBQURFLy" +
  "8vL0VBQVVBQWdBQmdBSEFBd0FBQUFRQUJBQUFBQUFBQUVGRUFBQUFDQUFBQUFFQUFBQUFBQUFBQWdBQUFCeGRXVnpkR2x2YmdBQUFBQUVBQVFB" +
  "QkFBQUFBQUFBQUE9ABggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZTBwAABwAABwAABwAAACZAwAAUEFSMQ==";

it("gives float16 numbers as they were written, in lists too", async () => {
  const file = join(folder, "half.parquet");
  writeFileSync(file, Buffer.from(HALVES, "base64"));
  const found: unknown[] = [];
  await withDatabase({}, async (connection) => {
    const context = { folder, connection, settings: {}, spool: () => ({ name: "", file: "" }), bad: () => {} };
    for await (const { value } of fileRecords(context, file)) found.push([value.h, value.l]);
  });
  expect(found).toEqual([
    [0.1, [0.1]],
    [1.5, []],
    [65504, null],
  ]);
});

/** Every finite float16 of positive sign, ascending. */
const halves = Array.from({ length: 0x7c00 }, (_, bits) => {
  const [exponent, fraction] = [bits >> 10, bits & 0x3ff];
  return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
});

it("takes the shortest text that is nearer to a float16 than to its neighbors", () => {
  for (const [i, value] of halves.entries()) {
    const short = shortestHalf(value);
    expect(shortestHalf(-value)).toBe(-short);
    const distance = Math.abs(short - value);
    for (const neighbor of [halves[i - 1], halves[i + 1]])
      if (neighbor !== undefined && distance > Math.abs(short - neighbor)) expect.fail(`${value} became ${short}`);
    expect(String(short).replace(/e.*|[.-]|^0\.0*/g, "").length).toBeLessThanOrEqual(6);
  }
});

it.each([
  [Math.fround(0.1), 0.1],
  [Math.fround(1 / 3), 0.33333334],
  [16_777_216, 16_777_216],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])("shortestFloat(%s) is %s", (value, short) => expect(shortestFloat(value)).toBe(short));
