import { describe, expect, it } from "vitest";
import {
  DEFAULT_ADAPTIVE_IOU,
  adaptIou,
  adaptiveIouStatistics,
  checkAdaptiveIou,
  startAdaptiveIou,
  type AdaptiveIouOptions,
  type AdaptiveIouState,
  type GroupOverlap,
} from "./adaptive-iou";

const groups = (count: number, hits: number, iou: number): GroupOverlap[] =>
  Array.from({ length: count }, () => ({ hits, iou }));
const small: AdaptiveIouOptions = { ...DEFAULT_ADAPTIVE_IOU, window: 4 };
const at = (threshold: number, window: readonly GroupOverlap[]): AdaptiveIouState => ({ threshold, window });

describe("adaptIou", () => {
  it("climbs 0.3, 0.45, 0.6, 0.7, 0.8 while the answers stay good, and stops there", () => {
    let state = startAdaptiveIou(DEFAULT_ADAPTIVE_IOU);
    const thresholds = [state.threshold];
    for (let step = 0; step < 6; step++) {
      state = adaptIou(state, groups(30, 1, 1), DEFAULT_ADAPTIVE_IOU);
      thresholds.push(state.threshold);
    }
    expect(thresholds).toEqual([0.3, 0.45, 0.6, 0.7, 0.8, 0.8, 0.8]);
  });

  it("takes the small steps on the way to a higher target, which it meets exactly", () => {
    const options = { ...DEFAULT_ADAPTIVE_IOU, target: 0.99, margin: 0 };
    let state = at(0.8, []);
    const thresholds = Array.from({ length: 5 }, () => {
      state = adaptIou(state, groups(30, 1, 1), options);
      return state.threshold;
    });
    expect(thresholds).toEqual([0.85, 0.9, 0.95, 0.99, 0.99]);
  });

  it("waits for a full window, then keeps its newest half", () => {
    const three = adaptIou(startAdaptiveIou(small), groups(3, 1, 0.9), small);
    expect(three).toEqual(at(0.3, groups(3, 1, 0.9)));
    const four = adaptIou(three, groups(1, 0.9, 0.8), small);
    expect(four).toEqual(
      at(0.45, [
        { hits: 1, iou: 0.9 },
        { hits: 0.9, iou: 0.8 },
      ]),
    );
  });

  // The first stage asks for hits of 0.8, a deviation of at most 0.2, and 0.4 as the mean IoU.
  it.each([
    ["accurate, stable and with margin", groups(4, 0.8, 0.4), true],
    ["too few hits", groups(4, 0.79, 0.9), false],
    ["no margin", groups(4, 1, 0.39), false],
    ["unstable", [...groups(2, 1, 1), ...groups(2, 0.6, 1)], true],
    ["more unstable", [...groups(2, 1, 1), ...groups(1, 0.9, 1), ...groups(1, 0.42, 1)], false],
  ])("rises when the window is accurate, stable and has margin: %s", (_, window, rises) => {
    expect(adaptIou(startAdaptiveIou(small), window, small).threshold).toBe(rises ? 0.45 : 0.3);
  });

  it("asks for fewer and less stable hits at a higher threshold", () => {
    const window = [...groups(3, 1, 0.9), ...groups(1, 0.2, 0.9)];
    expect(adaptiveIouStatistics(at(0.3, window)).deviation).toBeCloseTo(0.3464, 4);
    expect(adaptIou(at(0.45, []), window, small).threshold).toBe(0.45);
    expect(adaptIou(at(0.6, []), window, small).threshold).toBe(0.7);
  });

  it("rises once in a step, however many groups it has, and not in a step without a group", () => {
    const ready = at(0.3, groups(4, 1, 1));
    expect(adaptIou(ready, groups(400, 1, 1), small).threshold).toBe(0.45);
    expect(adaptIou(ready, [], small)).toEqual(ready);
  });

  it("keeps nothing of a window of one group", () => {
    expect(adaptIou(at(0.3, []), groups(1, 1, 1), { ...small, window: 1 })).toEqual(at(0.45, []));
  });
});

describe("checkAdaptiveIou", () => {
  it.each<[string, Partial<AdaptiveIouOptions>]>([
    ["start", { start: 0 }],
    ["target", { target: 0.2 }],
    ["target", { target: 1.1 }],
    ["window", { window: 0 }],
    ["window", { window: 2.5 }],
    ["margin", { margin: -0.1 }],
    ["stages", { stages: [] }],
    ["stages", { stages: [{ from: 0.1, rise: 0.1, accuracy: 1, deviation: 1 }] }],
    ["stages[1].from", { stages: [DEFAULT_ADAPTIVE_IOU.stages[0]!, DEFAULT_ADAPTIVE_IOU.stages[0]!] }],
    ["stages[0].rise", { stages: [{ from: 0, rise: 0, accuracy: 1, deviation: 1 }] }],
    ["stages[0].accuracy", { stages: [{ from: 0, rise: 0.1, accuracy: 80, deviation: 1 }] }],
    ["stages[0].deviation", { stages: [{ from: 0, rise: 0.1, accuracy: 1, deviation: Number.NaN }] }],
  ])("names %s", (where, options) => {
    const check = () => checkAdaptiveIou({ ...DEFAULT_ADAPTIVE_IOU, ...options });
    expect(check).toThrow(expect.objectContaining({ name: "IouScheduleError", where }));
  });

  it("accepts the defaults", () => expect(() => checkAdaptiveIou(DEFAULT_ADAPTIVE_IOU)).not.toThrow());
});
