import { expect, it } from "vitest";
import { describeValue } from "./describe-value";

it("shows a value as JSON, cut at 60 characters", () => {
  expect(describeValue("a")).toBe('"a"');
  expect(describeValue({ a: [1, null] })).toBe('{"a":[1,null]}');
  expect(describeValue(undefined)).toBe("nothing");
  expect(describeValue(Number.NaN)).toBe("null");
  const long = describeValue("x".repeat(100));
  expect(long).toHaveLength(60);
  expect(long).toMatch(/^"x+\.\.\.$/);
});

it("shows what JSON cannot hold", () => {
  expect(describeValue(new Uint8Array(3))).toBe("3 bytes");
  expect(describeValue(12n)).toBe("12");
  expect(describeValue(describeValue)).toMatch(/^function describeValue/);
  const circle: { self?: unknown } = {};
  circle.self = circle;
  expect(describeValue(circle)).toBe("[object Object]");
  let deep: unknown = [];
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(describeValue(deep)).toBe("something nested too deep");
});
