import { describe, expect, it } from "vitest";
import { createSampleOrder } from "./sample-order";

const set = (first: number, length: number, weight = 1, cap: number | null = null) => ({ first, length, weight, cap });
const epoch = (order: ReturnType<typeof createSampleOrder>, number: number) =>
  Array.from({ length: order.epochLength }, (_, index) => order.at(number * order.epochLength + index));

describe("createSampleOrder", () => {
  it("draws every row exactly once an epoch, each epoch in another order", () => {
    const order = createSampleOrder([set(0, 30), set(30, 20)], 7);
    const rows = Array.from({ length: 50 }, (_, index) => index);
    expect(epoch(order, 0).sort((a, b) => a - b)).toEqual(rows);
    expect(epoch(order, 3).sort((a, b) => a - b)).toEqual(rows);
    expect(epoch(order, 0)).not.toEqual(epoch(order, 1));
  });

  it("is a function of seed and position", () => {
    const order = createSampleOrder([set(0, 30)], 7);
    epoch(order, 5);
    expect(epoch(order, 0)).toEqual(epoch(createSampleOrder([set(0, 30)], 7), 0));
    expect(epoch(order, 0)).not.toEqual(epoch(createSampleOrder([set(0, 30)], 8), 0));
  });

  it("repeats by weight and cuts by cap", () => {
    const order = createSampleOrder([set(0, 10, 1.5), set(10, 10, 1, 4), set(20, 8, 0.25)], 1);
    const counts = new Map<number, number>();
    for (const row of epoch(order, 0)) counts.set(row, (counts.get(row) ?? 0) + 1);
    const inSet = (from: number, to: number) =>
      [...counts].filter(([row]) => row >= from && row < to).map(([, count]) => count);
    expect(inSet(0, 10).sort()).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    expect(inSet(10, 20)).toEqual([1, 1, 1, 1]);
    expect(inSet(20, 28)).toEqual([1, 1]);
  });

  it("refuses sets without an entry", () => {
    expect(() => createSampleOrder([set(0, 0)], 1)).toThrow(RangeError);
  });
});
