import { expect, it } from "vitest";
import { isRecord } from "./is-record";

it("is true of objects with named fields only", () => {
  for (const value of [{}, { a: 1 }, Object.create(null), new Map()]) expect(isRecord(value)).toBe(true);
  for (const value of [null, undefined, [], [{}], "text", 0, true, () => {}]) expect(isRecord(value)).toBe(false);
});
