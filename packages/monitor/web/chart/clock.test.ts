import { expect, it } from "vitest";
import { over, placeOf } from "./clock";

const clock = { steps: [0, 1, 2, 4], values: [0, 10, 30, 50] };

it("places steps by what they took, and steps between by a straight line", () => {
  expect([0, 1, 2, 3, 4, 9].map((step) => placeOf(step, clock))).toEqual([0, 10, 30, 40, 50, 50]);
  expect(placeOf(0, { steps: [1, 2], values: [5, 9] })).toBe(5);
  expect(over({ label: "a", steps: [1, 3], values: [0.5, null] }, clock)).toEqual({
    label: "a",
    steps: [10, 40],
    values: [0.5, null],
  });
});
