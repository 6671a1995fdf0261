import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExactJson, WrittenNumber } from "./json-numbers";

const written = (text: string): WrittenNumber => new WrittenNumber(text);

describe("parseExactJson", () => {
  it.each<[string, unknown]>([
    ['{"a": 12345678901234567890}', { a: written("12345678901234567890") }],
    ['{"a": 9007199254740993, "b": 9007199254740992}', { a: written("9007199254740993"), b: 9007199254740992 }],
    ['{"a": -9223372036854775808}', { a: written("-9223372036854775808") }],
    [
      '{"a": 1.50, "b": 1e5, "c": 1E-7, "d": 0.10}',
      { a: written("1.50"), b: written("1e5"), c: written("1E-7"), d: written("0.10") },
    ],
    [
      '{"a": [1.0, {"b": 100000000000000000000000}]}',
      { a: [written("1.0"), { b: written("100000000000000000000000") }] },
    ],
    ['{"a": -0, "b": 0.1, "c": 3}', { a: written("-0"), b: 0.1, c: 3 }],
    ['{"a": 3.14159265358979323846}', { a: written("3.14159265358979323846") }],
    ['{"a": "1.50 and 12345678901234567890", "1e5": 2}', { a: "1.50 and 12345678901234567890", "1e5": 2 }],
    ['{"a": "\\u00001.50", "b": 1.50, "c": "\\u0000"}', { a: "\u00001.50", b: written("1.50"), c: "\u0000" }],
    ['{"a": "\\"1.50", "b": 2.50, "__proto__": 3.50}', JSON.parse('{"a": "\\"1.50"}')],
    [
      '{"a": NaN, "b": Infinity, "c": -Infinity, "d": "NaN"}',
      { a: null, b: written("Infinity"), c: written("-Infinity"), d: "NaN" },
    ],
  ])("%s", (text, value) => expect(parseExactJson(text)).toMatchObject(value as object));

  it.each(['{"a": 01.50}', '{"a": 1.50', '{"a": NaN', '{"a": nan}', "{a: NaN}", '{"a": 1.}', "-NaN", "-"])(
    "refuses %s",
    (text) => expect(() => parseExactJson(text)).toThrow(SyntaxError),
  );

  it("reads all JSON as JSON.parse does, apart from the digits", () => {
    const numbers = (value: unknown): unknown =>
      value instanceof WrittenNumber
        ? value.valueOf()
        : Array.isArray(value)
          ? value.map(numbers)
          : typeof value === "object" && value !== null
            ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, numbers(member)]))
            : value;
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(numbers(parseExactJson(text))).toEqual(numbers(JSON.parse(text)));
      }),
    );
  });
});
