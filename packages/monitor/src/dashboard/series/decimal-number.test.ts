import fc from "fast-check";
import { expect, it } from "vitest";
import { decimalNumber } from "./decimal-number";

/** As a reader cuts a number: a head of 15 digits, at most five more, the power of ten. */
function read(text: string): number {
  const [whole, power = "0"] = text.split("e");
  const [before, after = ""] = whole!.split(".");
  const digits = `${before}${after}`.replace(/^0+/, "");
  return decimalNumber(
    Number(digits.slice(0, 15)),
    Number(digits.slice(15)),
    Math.max(0, digits.length - 15),
    Number(power) - after.length,
  );
}

it("is the number that JavaScript reads, to the last bit", () => {
  // Numbers as they are written, and any 16 or 17 digits, which lie nowhere near a double.
  const written = fc.double({ min: 1e-5, max: 1e16, noNaN: true }).map(String);
  const anyDigits = fc
    .tuple(fc.bigInt({ min: 10n ** 15n, max: 10n ** 17n - 1n }), fc.integer({ min: -22, max: 5 }))
    .map(([digits, power]) => `${digits}e${power}`);
  fc.assert(
    fc.property(fc.oneof(written, anyDigits), (text) => {
      expect(read(text)).toBe(Number(text));
    }),
    { numRuns: 20_000, seed: 7 },
  );
});

it("is so at the edges", () => {
  for (const text of [
    "0.1",
    "0.30000000000000004",
    "0.6435866519875759",
    "9007199254740993",
    "99999999999999999",
    "1.7976931348623157",
    "4.9406564584124654",
    "123456789012345.67",
  ])
    expect(read(text)).toBe(Number(text));
});
