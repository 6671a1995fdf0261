import { expect, it } from "vitest";
import { smoothed } from "./smoothing";

it("weighs by steps, from the first point on", () => {
  const line = { label: "x", steps: [1, 2, 4], values: [1, 0, 1] };
  // Weights 1; 0.5, 1; 0.125, 0.25, 1.
  expect(smoothed(line, 0.5)).toEqual({ label: "x", steps: [1, 2, 4], values: [1, 0.5 / 1.5, 1.125 / 1.375] });
  expect(smoothed(line, 0)).toBe(line);
});

it("leaves gaps, and a constant as it is", () => {
  expect(smoothed({ steps: [1, 2, 3], values: [null, 4, null] }, 0.9).values).toEqual([null, 4, null]);
  for (const value of smoothed({ steps: [1, 5, 90], values: [0.3, 0.3, 0.3] }, 0.97).values)
    expect(value).toBeCloseTo(0.3, 14);
});
