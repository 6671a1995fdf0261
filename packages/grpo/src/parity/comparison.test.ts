import { describe, expect, it } from "vitest";
import { Comparison, flatten } from "./comparison";

describe("Comparison", () => {
  it("keeps the worst error of each quantity, also where the tolerance is 0 or changes", () => {
    const comparison = new Comparison();
    comparison.error("exact", "a", 0, 0);
    comparison.error("exact", "b", 2, 0);
    comparison.error("exact", "c", 0, 0);
    comparison.error("changing", "step 1", 0.5, 1);
    comparison.error("changing", "step 2", 0.6, 3);
    expect(comparison.rows()).toEqual([
      { quantity: "exact", error: 2, tolerance: 0, worst: "b" },
      { quantity: "changing", error: 0.5, tolerance: 1, worst: "step 1" },
    ]);
  });

  it("wants NaN for NaN, infinities alike, and as many values as expected", () => {
    const over = (found: number[], expected: number[]) => {
      const comparison = new Comparison();
      comparison.close("x", "", found, expected, { rtol: 1e-5, atol: 1e-6 });
      return comparison.rows()[0]!.error > 1;
    };
    expect(over([NaN, Infinity, 1 + 1e-6], [NaN, Infinity, 1])).toBe(false);
    expect(over([0], [NaN])).toBe(true);
    expect(over([NaN], [0])).toBe(true);
    expect(over([-Infinity], [Infinity])).toBe(true);
    expect(over([1], [1, 2])).toBe(true);
    expect(over([1.001], [1])).toBe(true);
  });

  it("reads nested numbers and the words for NaN and infinities", () => {
    expect(flatten([[1, "NaN"], ["-Infinity"]])).toEqual([1, NaN, -Infinity]);
  });
});
