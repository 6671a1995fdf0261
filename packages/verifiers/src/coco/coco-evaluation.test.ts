import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averagePrecision } from "../detection/average-precision";
import type { Box } from "../boxes/box";
import type { CocoAnnotation, CocoDetection, CocoProblem } from "./coco-data";
import { evaluateCoco } from "./coco-evaluation";
import { cocoStats } from "./coco-summary";
import { evaluateNmsAp, suppressByGold } from "./nms-average-precision";

const PICTURE: Pick<CocoProblem, "images" | "categories"> = {
  images: [{ id: 1 }, { id: 2 }],
  categories: [{ id: 1 }, { id: 2 }],
};
const gold = (bbox: number[], more: Partial<CocoAnnotation> = {}): CocoAnnotation => ({
  image_id: 1,
  category_id: 1,
  bbox,
  ...more,
});
const detection = (bbox: number[], score: number, more: Partial<CocoDetection> = {}): CocoDetection => ({
  image_id: 1,
  category_id: 1,
  bbox,
  score,
  ...more,
});

const xywh = fc
  .tuple(
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 60 }),
  )
  .map((values) => [...values]);
const place = fc.record({ image_id: fc.constantFrom(1, 2), category_id: fc.constantFrom(1, 2), bbox: xywh });
const annotations = fc.array(place, { maxLength: 8 });
const detections = fc
  .uniqueArray(fc.tuple(place, fc.integer({ min: 1, max: 999 })), { maxLength: 10, selector: ([, score]) => score })
  .map((list) => list.map(([where, score]) => ({ ...where, score: score / 1000 })));

describe("evaluateCoco", () => {
  it("does not depend on the order of detections with distinct scores", () => {
    fc.assert(
      fc.property(annotations, detections, fc.infiniteStream(fc.nat()), (golds, found, order) => {
        const shuffled = found
          .map((box) => ({ box, key: order.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ box }) => box);
        expect(cocoStats(evaluateCoco({ ...PICTURE, annotations: golds, detections: shuffled }).stats)).toEqual(
          cocoStats(evaluateCoco({ ...PICTURE, annotations: golds, detections: found }).stats),
        );
      }),
    );
  });

  it("of one picture with all scores 1 is averagePrecision", () => {
    fc.assert(
      fc.property(annotations, detections, (golds, found) => {
        const inPicture = <T extends { readonly image_id: unknown }>(boxes: readonly T[]) =>
          boxes.filter(({ image_id: image }) => image === 1);
        const asBoxes = (boxes: readonly { bbox: readonly number[]; category_id: unknown }[]) =>
          boxes.map(({ bbox: [x = 0, y = 0, w = 0, h = 0], category_id: label }): Box => ({
            bbox: [x, y, x + w, y + h],
            label: String(label),
          }));
        const [one, two] = [inPicture(golds), inPicture(found).map((box) => ({ ...box, score: 1 }))];
        if (one.length === 0) return;
        const { ap, ap50, ap75 } = evaluateCoco({ ...PICTURE, annotations: one, detections: two }).stats;
        const single = averagePrecision(asBoxes(two), asBoxes(one));
        expect(single.map).toBeCloseTo(ap, 12);
        expect(single.map50).toBeCloseTo(ap50, 12);
        expect(single.map75).toBeCloseTo(ap75, 12);
      }),
    );
  });

  it("gives -1 where there is nothing to find", () => {
    const { stats, ap } = evaluateCoco({ ...PICTURE, annotations: [], detections: [detection([0, 0, 9, 9], 1)] });
    expect(ap).toBe(-1);
    expect(cocoStats(stats).every((value) => value === -1)).toBe(true);
  });

  it("takes string ids", () => {
    const problem: CocoProblem = {
      images: [{ id: "b" }, { id: "a" }],
      categories: [{ id: "cat" }],
      annotations: [{ image_id: "a", category_id: "cat", bbox: [0, 0, 9, 9] }],
      detections: [{ image_id: "a", category_id: "cat", bbox: [0, 0, 9, 9], score: 0.5 }],
    };
    expect(evaluateCoco(problem).stats.ap).toBeCloseTo(1, 12);
  });

  it("says which box is wrong", () => {
    const problem = (more: Partial<CocoProblem>): CocoProblem => ({
      ...PICTURE,
      annotations: [],
      detections: [],
      ...more,
    });
    expect(() => evaluateCoco(problem({ detections: [detection([0, 0, 9, 9], 1, { image_id: 7 })] }))).toThrow(
      /detections\[0\]\.image_id[^]*one of the 2 images[^]*found: {4}7/,
    );
    expect(() => evaluateCoco(problem({ detections: [detection([0, 0, 9], 1)] }))).toThrow(
      /detections\[0\]\.bbox\n.*\[x, y, width, height\]\n.*\[0,0,9\]/,
    );
    expect(() => evaluateCoco(problem({ annotations: [gold([0, 0, Number.NaN, 9])] }))).toThrow(
      /annotations\[0\]\.bbox\[2\]\n.*a finite number\n.*NaN/,
    );
    expect(() => evaluateCoco(problem({ detections: [detection([0, 0, 9, 9], Number.NaN)] }))).toThrow(
      "detections[0].score",
    );
    expect(() => evaluateCoco(problem({}), { iouThresholds: [] })).toThrow("iouThresholds");
    expect(() => evaluateCoco(problem({}), { maxDetections: [0] })).toThrow("maxDetections");
  });
});

describe("NMS-AP", () => {
  const annotations_ = [gold([0, 0, 40, 40], { category_id: 1 })];

  it("keeps the best scored of all labels at a gold box", () => {
    const right = detection([0, 0, 40, 40], 0.6, { category_id: 1 });
    const wrong = detection([0, 0, 40, 39], 0.8, { category_id: 2 });
    const elsewhere = detection([80, 80, 9, 9], 0.1, { category_id: 2 });
    expect(suppressByGold(annotations_, [right, wrong, elsewhere])).toEqual([wrong, elsewhere]);
    const problem = { ...PICTURE, annotations: annotations_, detections: [right, wrong] };
    expect(evaluateCoco(problem).stats.ap).toBeCloseTo(1, 12); // naming both labels costs plain AP nothing
    expect(evaluateNmsAp(problem).stats.ap).toBe(0);
    expect(evaluateNmsAp({ ...problem, detections: [{ ...right, score: 0.9 }, wrong] }).stats.ap).toBeCloseTo(1, 12);
  });

  it("keeps a box that is the best of another gold box, and the later of equal scores", () => {
    const golds = [gold([0, 0, 40, 40]), gold([0, 8, 40, 40])];
    const first = detection([0, 0, 40, 40], 0.5);
    const second = detection([0, 8, 40, 40], 0.5);
    expect(suppressByGold(golds, [first, second])).toEqual([second]);
    expect(suppressByGold(golds, [first, second], 0.9)).toEqual([first, second]);
    expect(suppressByGold([gold([0, 0, 40, 40]), gold([0, 20, 40, 40])], [{ ...first, score: 0.9 }, second])).toEqual([
      { ...first, score: 0.9 },
      second,
    ]);
  });
});
