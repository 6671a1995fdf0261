import { expect, it } from "vitest";
import { grouped } from "./format";

it("groups the digits of a whole number as English does", () => {
  for (const value of [0, 7, 999, 1000, 12345, 123456, 1234567, 1e9, -4321])
    expect(grouped(value)).toBe(value.toLocaleString("en"));
});
