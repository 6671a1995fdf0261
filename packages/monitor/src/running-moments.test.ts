import fc from "fast-check";
import { expect, it } from "vitest";
import { RunningMoments } from "./running-moments";

const of = (values: readonly number[]): RunningMoments => {
  const moments = new RunningMoments();
  for (const value of values) moments.add(value);
  return moments;
};

it("agrees with the definition, also after a merge", () => {
  const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const values = [...a, ...b];
      const mean = values.reduce((x, y) => x + y) / values.length;
      const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      const merged = of(a);
      merged.merge(of(b));
      for (const moments of [of(values), merged]) {
        expect(moments.mean).toBeCloseTo(mean, 8);
        expect(moments.std).toBeCloseTo(std, 6);
        expect([moments.min, moments.max, moments.count]).toEqual([
          Math.min(...values),
          Math.max(...values),
          values.length,
        ]);
      }
    }),
  );
});

it("keeps a small deviation around a large mean", () => {
  expect(of([1e9 + 1, 1e9 + 2, 1e9 + 3]).std).toBeCloseTo(Math.sqrt(2 / 3), 6);
});

it("has no deviation before two values", () => {
  expect(of([3]).std).toBe(0);
  expect(of([]).std).toBe(0);
});
