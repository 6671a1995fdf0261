import { pino } from "pino";
import { expect, it } from "vitest";
import { boxWarnings, hasOtherBoxes } from "./box-warnings";

const doubtful = { status: "scored", metrics: { map50: 0, other_box_convention: 1 } };
const plain = { status: "scored", metrics: { map50: 0 } };

function warnings() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "warn", base: null }, { write: (line) => void lines.push(JSON.parse(line) as never) });
  return { note: boxWarnings(log), counts: () => lines.map(({ answers, doubtful: some }) => [answers, some]) };
}

it("warns of a batch with its count", () => {
  const { note, counts } = warnings();
  note("/openrlhf", [doubtful, doubtful, doubtful, doubtful, plain, plain]);
  expect(counts()).toEqual([[6, 4]]);
});

it("counts single answers, and warns again after ten times as many", () => {
  const { note, counts } = warnings();
  for (let i = 0; i < 100; i++) note("/judge", [doubtful]);
  expect(counts()).toEqual([
    [4, 4],
    [40, 40],
  ]);
});

it("says nothing of a few among many", () => {
  const { note, counts } = warnings();
  for (let i = 0; i < 100; i++) note("/judge", [i % 10 === 0 ? doubtful : plain]);
  expect(counts()).toEqual([]);
});

it("finds the mark under the name of a part too", () => {
  expect(hasOtherBoxes({ status: "scored", metrics: { "boxes/other_box_convention": 1 } })).toBe(true);
  expect(hasOtherBoxes({ status: "error" })).toBe(false);
});
