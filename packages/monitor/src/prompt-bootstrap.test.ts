import { expect, it } from "vitest";
import { intervalOf, resampledMeans } from "./prompt-bootstrap";

it("spreads as the standard error of a mean over prompts does", () => {
  const prompts = Array.from({ length: 100 }, (_, index) => [index % 2, 3]);
  const draws = resampledMeans(prompts, { resamples: 2_000 });
  const { low, high } = intervalOf(draws.map(([mean]) => mean!));
  // 0.5 ± 1.96 · 0.5 / √100
  expect(low).toBeCloseTo(0.402, 1);
  expect(high).toBeCloseTo(0.598, 1);
  expect(draws.every((row) => Math.abs(row[1]! - 3) < 1e-12)).toBe(true);
});

it("draws the same for a seed and others for another", () => {
  const prompts = [[0], [1], [2]];
  const drawn = (seed: number) => resampledMeans(prompts, { resamples: 20, seed }).map(([mean]) => mean);
  expect(drawn(1)).toEqual(drawn(1));
  expect(drawn(1)).not.toEqual(drawn(2));
  expect(() => resampledMeans([])).toThrow(RangeError);
  expect(intervalOf([4])).toEqual({ low: 4, high: 4 });
});
