import { expect, it } from "vitest";
import { runningSum } from "./running-sum";

const sum = (steps: number[], values: number[]) => {
  const points = runningSum({ steps: Float64Array.from(steps), values: Float64Array.from(values) });
  return points === undefined ? undefined : [[...points.steps], [...points.values]];
};

it("adds up steps from 0, a value for all steps since the one before", () => {
  expect(sum([1, 2, 3], [2, 3, 4])).toEqual([
    [0, 1, 2, 3],
    [0, 2, 5, 9],
  ]);
  // Every fifth step is logged.
  expect(sum([5, 10], [2, 4])).toEqual([
    [0, 5, 10],
    [0, 10, 30],
  ]);
  expect(sum([1, 2, 3], [2, NaN, 4])?.[1]).toEqual([0, 2, 2, 6]);
  expect(sum([], [])).toBeUndefined();
});
