import { expect, it } from "vitest";
import { CHOSEN_COLORS, lineColors } from "./line-colors";

const tasks = ["counting", "ocr", "detection", "grounding", "math", "chart", "puzzle"];
const byLabel = (labels: readonly string[], dark = false): Record<string, string> =>
  Object.fromEntries(lineColors(labels, dark).map((color, index) => [labels[index]!, color]));

it("gives a name the same color in whatever order lines come, and each its own", () => {
  const colors = byLabel(tasks);
  expect(byLabel(tasks.toReversed())).toEqual(colors);
  expect(new Set(Object.values(colors)).size).toBe(tasks.length);
});

it("keeps most colors when a line comes or goes, and all when no two names fall on one", () => {
  const whole = byLabel(tasks);
  const fewer = byLabel(tasks.slice(0, 4));
  const kept = Object.keys(fewer).filter((label) => fewer[label] === whole[label]);
  expect(kept.length).toBeGreaterThanOrEqual(2);
});

it("draws a single line in the first color, and takes the color wheel for many, by name too", () => {
  expect(lineColors(["anything"], false)).toEqual(lineColors(["else"], false));
  const many = Array.from({ length: CHOSEN_COLORS + 10 }, (_, index) => `source ${index}`);
  const colors = byLabel(many, true);
  expect(new Set(Object.values(colors)).size).toBe(many.length);
  expect(byLabel(many.toReversed(), true)).toEqual(colors);
});

it("gives two lines of one name one color", () => {
  const [first, , third] = lineColors(["a", "b", "a"], false);
  expect(first).toBe(third);
});
