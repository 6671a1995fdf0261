import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averagePrecision } from "./average-precision";
import { boxIou, type Box, type Corners } from "../boxes/box";
import { matchIouFirst, matchIouFirstAsOriginal, matchedPrefix } from "./greedy-matching";
import { matchBoxes } from "./match-boxes";
import { pairOverlaps } from "./pair-overlaps";

const corners = fc
  .tuple(
    fc.integer({ min: 0, max: 30 }),
    fc.integer({ min: 0, max: 30 }),
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 0, max: 20 }),
  )
  .map(([x, y, w, h]): Corners => [x, y, x + w, y + h]);
const box = fc.record({ bbox: corners, label: fc.constantFrom("a", "b", "c") });
const boxes = fc.array(box, { maxLength: 6 });
const someBoxes = fc.array(box, { minLength: 1, maxLength: 6 });
const area = ([x1, y1, x2, y2]: Corners) => (x2 - x1) * (y2 - y1);
const sum = (matches: readonly { iou: number }[]) => matches.reduce((total, { iou }) => total + iou, 0);

describe("boxIou", () => {
  it("lies in [0, 1], is symmetric and does not depend on the scale", () => {
    fc.assert(
      fc.property(corners, corners, fc.integer({ min: 1, max: 64 }), (a, b, scale) => {
        const iou = boxIou(a, b);
        const scaled = (box: Corners) => box.map((value) => value * scale) as unknown as Corners;
        expect(iou).toBeGreaterThanOrEqual(0);
        expect(iou).toBeLessThanOrEqual(1);
        expect(boxIou(b, a)).toBe(iou);
        expect(boxIou(scaled(a), scaled(b))).toBeCloseTo(iou, 14);
        expect(boxIou(a, a)).toBe(area(a) > 0 ? 1 : 0);
      }),
    );
  });
});

describe("matchBoxes", () => {
  it("never uses a box twice, and only pairs that reach epsilon", () => {
    fc.assert(
      fc.property(
        boxes,
        boxes,
        fc.constantFrom("label-first" as const, "iou-first" as const, "optimal" as const),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (predictions, golds, strategy, epsilon) => {
          const matches = matchBoxes(predictions, golds, { strategy, epsilon });
          expect(new Set(matches.map(({ prediction }) => prediction)).size).toBe(matches.length);
          expect(new Set(matches.map(({ gold }) => gold)).size).toBe(matches.length);
          for (const { prediction, gold, iou, overlap } of matches) {
            expect(overlap).toBeGreaterThanOrEqual(epsilon);
            expect(overlap).toBe(boxIou((predictions[prediction] as Box).bbox, (golds[gold] as Box).bbox));
            expect(iou).toBe(predictions[prediction]?.label === golds[gold]?.label ? overlap : 0);
          }
        },
      ),
    );
  });

  it("optimal is at least as good as label-first, and as good as trying everything", () => {
    const best = (
      predictions: readonly Box[],
      golds: readonly Box[],
      epsilon: number,
      gold = 0,
      used = new Set<number>(),
    ): number => {
      if (gold === golds.length) return 0;
      let most = best(predictions, golds, epsilon, gold + 1, used);
      for (const [index, prediction] of predictions.entries()) {
        const target = golds[gold] as Box;
        const iou = boxIou(prediction.bbox, target.bbox);
        if (used.has(index) || prediction.label !== target.label || iou < epsilon) continue;
        most = Math.max(most, iou + best(predictions, golds, epsilon, gold + 1, new Set(used).add(index)));
      }
      return most;
    };
    fc.assert(
      fc.property(boxes, boxes, fc.constantFrom(0.1, 0.3, 0.5), (predictions, golds, epsilon) => {
        const optimal = sum(matchBoxes(predictions, golds, { strategy: "optimal", epsilon }));
        expect(optimal).toBeGreaterThanOrEqual(sum(matchBoxes(predictions, golds, { epsilon })) - 1e-12);
        expect(optimal).toBeCloseTo(best(predictions, golds, epsilon), 12);
      }),
    );
  });

  it("finds with optimal what greedy label-first gives away", () => {
    const golds: Box[] = [
      { bbox: [0, 0, 10, 10], label: "a" },
      { bbox: [4, 0, 14, 10], label: "a" },
    ];
    const predictions: Box[] = [
      { bbox: [2, 0, 12, 10], label: "a" },
      { bbox: [0, 0, 5, 10], label: "a" },
    ];
    expect(matchBoxes(predictions, golds, { epsilon: 0.5 })).toHaveLength(1);
    expect(matchBoxes(predictions, golds, { epsilon: 0.5, strategy: "optimal" })).toHaveLength(2);
  });

  it("refuses what it cannot do", () => {
    expect(() => matchBoxes([], [], { epsilon: 0 })).toThrow("epsilon is 0");
    const many = Array.from({ length: 1000 }, (_, i): Box => ({ bbox: [i, 0, i + 1, 1], label: "a" }));
    expect(() => matchBoxes(many, many, { strategy: "optimal" })).toThrow("too many for an optimal assignment");
  });
});

describe("matchIouFirst", () => {
  it("picks the best remaining pair each time", () => {
    fc.assert(
      fc.property(boxes, boxes, (predictions, golds) => {
        const overlaps = pairOverlaps(predictions, golds);
        const left = { predictions: new Set(predictions.keys()), golds: new Set(golds.keys()) };
        for (const { prediction, gold, overlap } of matchIouFirst(overlaps)) {
          const best = Math.max(
            ...[...left.predictions].flatMap((p) =>
              [...left.golds].map((g) => overlaps.iou[p * golds.length + g] as number),
            ),
          );
          expect(overlap).toBe(best);
          left.predictions.delete(prediction);
          left.golds.delete(gold);
        }
      }),
    );
  });

  it("as the original: the loop of the original, written out", () => {
    fc.assert(
      fc.property(boxes, boxes, fc.constantFrom(0.1, 0.5, 0.75), (predictions, golds, epsilon) => {
        const overlaps = pairOverlaps(predictions, golds);
        const freePredictions = [...predictions.keys()];
        const freeGolds = [...golds.keys()];
        const expected: [number, number, number][] = [];
        while (freePredictions.length > 0 && freeGolds.length > 0) {
          const best = Math.max(
            ...freePredictions.flatMap((p) => freeGolds.map((g) => overlaps.iou[p * golds.length + g] as number)),
          );
          if (best < epsilon) break;
          const [p, g] = [freePredictions.pop() as number, freeGolds.pop() as number];
          expected.push([p, g, predictions[p]?.label === golds[g]?.label ? best : 0]);
        }
        const matches = matchIouFirstAsOriginal(overlaps);
        expect(
          matches.slice(0, matchedPrefix(matches, epsilon)).map(({ prediction, gold, iou }) => [prediction, gold, iou]),
        ).toEqual(expected);
      }),
    );
  });
});

describe("averagePrecision", () => {
  it("lies in [0, 1] and is 1 but for 2^-52 when every box is right", () => {
    fc.assert(
      fc.property(someBoxes, boxes, (golds, predictions) => {
        const { map, map50, map75 } = averagePrecision(predictions, golds);
        for (const value of [map, map50, map75]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        expect(map50).toBeGreaterThanOrEqual(map75 - 1e-12);
        const distinct = golds.filter(
          (gold, index) =>
            area(gold.bbox) > 0 && golds.findIndex((other) => boxIou(other.bbox, gold.bbox) === 1) === index,
        );
        if (distinct.length > 0) expect(averagePrecision(distinct, distinct).map).toBeCloseTo(1, 12);
      }),
    );
  });
});
