import { describe, expect, it } from "vitest";
import { gridCell, gridWindows, metricDirection } from "./source-grid";

const steps = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const series = (count: number, value: (step: number) => number) => ({
  steps: steps(count),
  values: steps(count).map(value),
});
const last = (count: number, window: number) => ({ windows: gridWindows(steps(count), window), points: 60 });

describe("gridCell", () => {
  it("calls a falling reward worse, a falling share of cut answers better, and a longer answer neither", () => {
    const falling = series(20, (step) => 1 - step / 20);
    expect(gridCell("critic/rewards/mean", falling, last(20, 5))).toMatchObject({
      change: expect.closeTo(-0.25, 9) as number,
      last: expect.closeTo(0, 9) as number,
    });
    expect(gridCell("critic/rewards/mean", falling, last(20, 5)).goodness).toBeLessThan(-0.5);
    expect(gridCell("response_length/clip_ratio", falling, last(20, 5)).goodness).toBeGreaterThan(0.5);
    expect(gridCell("response_length/mean", falling, last(20, 5)).goodness).toBe(0);
  });

  it("has no change to tell with less than two steps, and none in a constant", () => {
    expect(gridWindows([3], 5)).toBeNull();
    expect(gridCell("correct/ratio", { steps: [3], values: [0.5] }, { windows: null, points: 60 })).toEqual({
      metric: "correct/ratio",
      steps: [3],
      values: [0.5],
      last: 0.5,
      change: null,
      goodness: 0,
    });
    // A mean of nine thirds differs from one third in its last bit.
    const constant = series(9, (step) => 0.1 + (step % 2 === 0 ? 5.6e-17 : 0));
    expect(gridCell("correct/ratio", constant, last(9, 4))).toMatchObject({ change: 0, goodness: 0 });
  });

  it("compares the run's steps, although the source misses some of them", () => {
    // Of 40 steps the source is in 37. Its own last 18 points against the 18 before would leave out steps 1 to 3.
    const missing = new Set([5, 22, 31]);
    const reward = (step: number): number => (step <= 3 ? 1 : step <= 20 ? 0.4 : 0.42);
    const own = steps(40).filter((step) => !missing.has(step));
    const source = { steps: own, values: own.map(reward) };
    const windows = gridWindows(steps(40), 20);
    expect(windows).toEqual({ before: { from: 1, to: 20 }, after: { from: 21, to: 40 } });
    const { change } = gridCell("critic/rewards/mean", source, { windows, points: 60 });
    expect(change).toBeCloseTo(0.42 - (3 * 1 + 16 * 0.4) / 19, 12);
    expect(change).toBeLessThan(0);
  });

  it("weighs steps by their rollouts, and has no change where a window has no value", () => {
    const windows = gridWindows([1, 2, 3, 4], 2);
    const weights = { steps: [1, 2, 3, 4], values: [8, 8, 24, 8] };
    const rewards = { steps: [1, 2, 3, 4], values: [0.5, 0.5, 0.2, 1] };
    expect(gridCell("critic/rewards/mean", rewards, { windows, points: 60, weights }).change).toBeCloseTo(-0.1, 12);
    expect(gridCell("critic/rewards/mean", { steps: [4], values: [1] }, { windows, points: 60 }).change).toBeNull();
  });

  it("takes no side on groups without signal: a solved source has none", () => {
    expect(metricDirection("group/zero_signal_ratio")).toBe(0);
  });
});
