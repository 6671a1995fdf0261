import { expect, it } from "vitest";
import { align, extentOf, movedStretch, withDetail, within } from "./lines";

it("aligns lines over the union of their steps: null is a gap, undefined is joined over", () => {
  const lines = [
    { label: "a", steps: [1, 3], values: [10, null] },
    { label: "b", steps: [2, 3], values: [20, 30] },
  ];
  expect(align(lines)).toEqual([
    [1, 2, 3],
    [10, undefined, null],
    [undefined, 20, 30],
  ]);
});

it("moves a stretch up to the first and the last step, and keeps its length", () => {
  expect(movedStretch([10, 20], 5, [1, 100])).toEqual([15, 25]);
  expect(movedStretch([10, 20], -50, [1, 100])).toEqual([1, 11]);
  expect(movedStretch([10, 20], 500, [1, 100])).toEqual([90, 100]);
});

it("puts a stretch in full into reduced lines, and leaves lines without it as they are", () => {
  const reduced = { label: "a", steps: [1, 5, 9, 13], values: [1, 5, 9, 13] };
  const other = { label: "b", steps: [1, 9], values: [0, 0] };
  const fine = { label: "a", steps: [5, 6, 7, 8, 9], values: [5, 6, 7, 8, 9] };
  expect(withDetail([reduced, other], [fine], [5, 9])).toEqual([
    { label: "a", steps: [1, 5, 6, 7, 8, 9, 13], values: [1, 5, 6, 7, 8, 9, 13] },
    other,
  ]);
  expect(within(reduced, [5, 9])).toEqual({ label: "a", steps: [5, 9], values: [5, 9] });
});

it("has room for the steps and values of all lines", () => {
  const lines = [
    { label: "a", steps: [2, 3], values: [null, 0.5] },
    { label: "b", steps: [1, 9], values: [-1, 0.25] },
  ];
  expect(extentOf(lines)).toEqual({ steps: [1, 9], values: [-1, 0.5] });
  expect(extentOf([{ label: "a", steps: [1], values: [null] }])).toBeNull();
});
