import { afterEach, expect, it, vi } from "vitest";
import { DrawingTurns } from "./drawing-turns";

afterEach(() => vi.unstubAllGlobals());

/** A browser whose clock stands still but while something is drawn. */
function stubFrames(): { readonly nextFrame: () => void; readonly pass: (milliseconds: number) => void } {
  let now = 0;
  let asked: (() => void)[] = [];
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => asked.push(callback));
  vi.stubGlobal("performance", { now: () => now });
  return {
    nextFrame() {
      const callbacks = asked;
      asked = [];
      expect(callbacks.length).toBeLessThanOrEqual(1);
      for (const callback of callbacks) callback();
    },
    pass: (milliseconds) => (now += milliseconds),
  };
}

it("draws a few milliseconds per frame, each chart in its turn and what it has then", () => {
  const { nextFrame, pass } = stubFrames();
  const turns = new DrawingTurns();
  const charts = ["a", "b", "c"].map((name) => ({ name }));
  const drawn: string[] = [];
  const change = (version: number): void => {
    for (const chart of charts)
      turns.add(chart, () => {
        pass(3);
        drawn.push(`${chart.name}${version}`);
      });
  };
  change(1);
  expect(drawn).toEqual([]);
  nextFrame();
  expect(drawn).toEqual(["a1", "b1"]);
  // Changes that come faster than they are drawn leave no chart behind.
  change(2);
  nextFrame();
  expect(drawn).toEqual(["a1", "b1", "c2", "a2"]);
  nextFrame();
  nextFrame();
  expect(drawn).toEqual(["a1", "b1", "c2", "a2", "b2"]);
});

it("lets newcomers draw one a task, so that the browser can paint between two of them", async () => {
  vi.useFakeTimers();
  try {
    const turns = new DrawingTurns();
    const drawn: string[] = [];
    for (const chart of ["a", "b", "c"]) void turns.turn().then(() => drawn.push(chart));
    await Promise.resolve();
    expect(drawn).toEqual(["a"]);
    for (const expected of [
      ["a", "b"],
      ["a", "b", "c"],
    ]) {
      await vi.advanceTimersToNextTimerAsync();
      expect(drawn).toEqual(expected);
    }
    await vi.runAllTimersAsync();
    void turns.turn().then(() => drawn.push("later"));
    await Promise.resolve();
    expect(drawn.at(-1)).toBe("later");
  } finally {
    vi.useRealTimers();
  }
});
