/** The same box in any convention gets the same verdict, in every form in which boxes are written. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detection } from "../detection/detection-verifier";
import { point } from "../point/point-verifier";
import type { Verdict } from "../verifier";
import type { Corners } from "./box";
import { BOX_CONVENTIONS, isYFirst, type BoxConvention, type PictureSize } from "./box-convention";
import { conventionOfModel } from "./model-conventions";
import { likelyConvention } from "./other-convention";

interface Sizes {
  readonly stored: PictureSize;
  readonly seen: PictureSize;
}

const EXTENT: Readonly<Record<BoxConvention, (sizes: Sizes) => PictureSize>> = {
  pixels: ({ stored }) => stored,
  "resized-pixels": ({ seen }) => seen,
  thousandths: () => ({ width: 1000, height: 1000 }),
  "thousandths-999": () => ({ width: 999, height: 999 }),
  unit: () => ({ width: 1, height: 1 }),
  "yx-thousandths": () => ({ width: 1000, height: 1000 }),
};

/** Corners in shares of the picture, as a model of the convention writes them. */
function written(corners: Corners, convention: BoxConvention, sizes: Sizes): number[] {
  const { width, height } = EXTENT[convention](sizes);
  const [x1, y1, x2, y2] = corners;
  const [left, top, right, bottom] = [x1 * width, y1 * height, x2 * width, y2 * height];
  return isYFirst(convention) ? [top, left, bottom, right] : [left, top, right, bottom];
}

type Form = (boxes: readonly { readonly numbers: readonly number[]; readonly label: string }[]) => string;

const FORMS: Readonly<Record<string, Form>> = {
  "bbox_2d, Python": (boxes) =>
    `[${boxes.map(({ numbers, label }) => `{'bbox_2d': [${numbers.join(", ")}], 'label': '${label}'}`).join(", ")}]`,
  "bbox_2d, JSON": (boxes) => JSON.stringify(boxes.map(({ numbers, label }) => ({ bbox_2d: numbers, label }))),
  "Qwen2-VL's tokens": (boxes) =>
    boxes
      .map(
        ({ numbers: [a, b, c, d], label }) =>
          `<|object_ref_start|>${label}<|object_ref_end|><|box_start|>(${a},${b}),(${c},${d})<|box_end|>`,
      )
      .join(""),
  "Qwen2-VL's tokens, decoded without them": (boxes) =>
    boxes.map(({ numbers: [a, b, c, d], label }) => `${label}(${a},${b}),(${c},${d})`).join(""),
  "<box>[[..]]</box>": (boxes) =>
    boxes.map(({ numbers, label }) => `<ref>${label}</ref><box>[[${numbers.join(", ")}]]</box>`).join("\n"),
  "DeepSeek-VL2's tokens": (boxes) =>
    boxes.map(({ numbers, label }) => `<|ref|>${label}<|/ref|><|det|>[[${numbers.join(", ")}]]<|/det|>`).join("\n"),
};

const side = fc.integer({ min: 28, max: 4000 });
const size = fc.record({ width: side, height: side });
const anyConvention = fc.constantFrom(...BOX_CONVENTIONS);
/** A picture as it is stored and as the model saw it, and the conventions of the answer and of the gold answer. */
const setting = fc.record({ stored: size, seen: size, from: anyConvention, to: anyConvention });
/** Boxes on a grid of 1 / 840 of the picture, so that decimals in every convention are long. */
const corners: fc.Arbitrary<Corners> = fc
  .tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 840 })))
  .map(([a, b, c, d]) => [a!, b!, c!, d!] as const)
  .filter(([x1, y1, x2, y2]) => x1 + 20 < x2 && y1 + 20 < y2)
  .map(([x1, y1, x2, y2]): Corners => [x1 / 840, y1 / 840, x2 / 840, y2 / 840]);
const labeled = fc.record({ corners, label: fc.constantFrom("cat", "dog") });
const lists = fc.array(labeled, { minLength: 1, maxLength: 4 });

const paramsOf = (boxes: BoxConvention, gold: BoxConvention, { stored, seen }: Sizes) => ({
  boxes,
  gold_boxes: gold,
  image_sizes: [[stored.height, stored.width]],
  image_grid_thw: [[1, seen.height, seen.width]],
});

const withoutDoubt = (verdict: Verdict): Verdict => {
  if (verdict.status !== "scored") return verdict;
  const { other_box_convention: _, ...metrics } = verdict.metrics;
  return { ...verdict, metrics };
};

describe("the same boxes get the same verdict", () => {
  it.each(Object.keys(FORMS))("as %s, whatever the conventions of answer and gold", (name) => {
    const form = FORMS[name]!;
    fc.assert(
      fc.property(setting, lists, lists, ({ from, to, ...sizes }, golds, found) => {
        const asText = (list: typeof golds, convention: BoxConvention, write: Form) =>
          write(
            list.map(({ corners: box, label }) => ({ numbers: written(box, convention, sizes).map(plain), label })),
          );
        const judge = (of: BoxConvention, gold: BoxConvention, write: Form) =>
          detection.verify(`<think>\nx\n</think>\n<answer>\n${asText(found, of, write)}\n</answer>`, {
            groundTruth: `<answer>\n${asText(golds, gold, FORMS["bbox_2d, Python"]!)}\n</answer>`,
            params: paramsOf(of, gold, sizes),
          });
        const expected = judge("thousandths", "thousandths", FORMS["bbox_2d, JSON"]!);
        expect(expected.status).toBe("scored");
        expect(withoutDoubt(judge(from, to, form))).toEqual(withoutDoubt(expected));
      }),
      { numRuns: 60 },
    );
  });

  it("points too", () => {
    fc.assert(
      fc.property(setting, corners, corners, ({ from, to, ...sizes }, gold, at) => {
        const judge = (of: BoxConvention, goldOf: BoxConvention) => {
          const [first, second] = written(at, of, sizes).map(plain);
          return point.verify(`<answer>\n{"point_2d": [${first}, ${second}]}\n</answer>`, {
            groundTruth: `[${written(gold, goldOf, sizes).map(plain).join(", ")}]`,
            params: paramsOf(of, goldOf, sizes),
          });
        };
        expect(withoutDoubt(judge(from, to))).toEqual(withoutDoubt(judge("thousandths", "thousandths")));
      }),
      { numRuns: 200 },
    );
  });
});

/** Enough decimals for the boxes to be the same in every convention. */
const plain = (value: number): number => Number(value.toFixed(12));

describe("box conventions", () => {
  const gold = "<answer>\n[{'bbox_2d': [100, 200, 500, 900], 'label': 'cat'}]\n</answer>";
  const accuracy = (answer: string, params: object) => {
    const verdict = detection.verify(`<answer>\n${answer}\n</answer>`, { groundTruth: gold, params: { ...params } });
    return verdict.status === "scored" ? verdict.accuracy : verdict;
  };

  it("gold boxes are thousandths if nothing else is said", () => {
    expect(accuracy("[{'bbox_2d': [0.1, 0.2, 0.5, 0.9], 'label': 'cat'}]", { boxes: "unit" })).toBe(1);
    expect(accuracy("[{'box_2d': [200, 100, 900, 500], 'label': 'cat'}]", { boxes: "yx-thousandths" })).toBe(1);
    expect(accuracy("[{'box_2d': [200, 100, 900, 500], 'label': 'cat'}]", { boxes: "thousandths" })).toBe(1);
    expect(accuracy("[{'bbox_2d': [200, 100, 900, 500], 'label': 'cat'}]", { boxes: "thousandths" })).toBeLessThan(1);
  });

  it("det_verifier_normalized keeps its meaning, and a named convention goes before it", () => {
    const pixels = "[{'bbox_2d': [10, 20, 50, 90], 'label': 'cat'}]";
    const normalized = { det_verifier_normalized: true, image_grid_thw: [[1, 100, 100]] };
    expect(accuracy(pixels, normalized)).toBe(1);
    expect(accuracy(pixels, { ...normalized, boxes: "resized-pixels" })).toBe(1);
    expect(accuracy("[{'bbox_2d': [100, 200, 500, 900], 'label': 'cat'}]", { det_verifier_normalized: false })).toBe(1);
    expect(
      accuracy("[{'bbox_2d': [100, 200, 500, 900], 'label': 'cat'}]", { ...normalized, boxes: "thousandths" }),
    ).toBe(1);
  });

  it("a box without a name has the label of the gold boxes if they have one", () => {
    expect(accuracy("<|box_start|>(100,200),(500,900)<|box_end|>", { boxes: "thousandths" })).toBe(1);
    expect(accuracy("(100,200),(500,900)", { boxes: "thousandths" })).toBe(1);
  });

  it.each([
    [{ boxes: "pixels" }, "image_sizes"],
    [{ boxes: "resized-pixels" }, "image_grid_thw"],
    [{ boxes: "unit", gold_boxes: "pixels" }, "image_sizes"],
    [{ boxes: "percent" }, "boxes: one of pixels, resized-pixels"],
    [{ gold_boxes: 1 }, "gold_boxes: one of"],
    [{ boxes: "pixels", image_sizes: [[0, 10]] }, "image_sizes.0: [height, width] in pixels"],
  ])("%j is an error of the parameters", (params, named) => {
    const answer = "<answer>\n[{'bbox_2d': [1, 2, 3, 4], 'label': 'cat'}]\n</answer>";
    const expected = { status: "error", reason: expect.stringContaining(named) as string };
    expect(detection.verify(answer, { groundTruth: gold, params })).toMatchObject(expected);
    expect(point.verify("(1, 2)", { groundTruth: "[1, 2, 3, 4]", params })).toMatchObject(expected);
  });

  it("the original's numbers know no conventions", () => {
    expect(
      detection.verify("<answer>\n<box>[[1, 2, 3, 4]]</box>\n</answer>", { groundTruth: gold, params: {} }),
    ).toMatchObject({ accuracy: 0 });
  });
});

describe("likelyConvention", () => {
  const boxes = (...corner: number[]) => [{ bbox: corner as unknown as Corners, label: "" }];
  const seen = { width: 560, height: 280 };
  it.each<[BoxConvention, number[], BoxConvention | undefined]>([
    ["resized-pixels", [0.1, 0.2, 0.5, 1], "unit"],
    ["thousandths", [0.1, 0.2, 0.5, 1], "unit"],
    ["resized-pixels", [10, 20, 570, 284], undefined],
    ["resized-pixels", [10, 20, 900, 984], "thousandths"],
    ["resized-pixels", [10, 20, 1900, 984], undefined],
    ["thousandths", [10, 20, 1000, 984], undefined],
    ["thousandths", [10, 20, 1900, 984], "pixels"],
    ["thousandths-999", [0, 0, 1900, 984], "pixels"],
    ["yx-thousandths", [0, 0, 5, 1984], "pixels"],
    ["unit", [10, 20, 900, 984], "thousandths"],
    ["unit", [10, 20, 1900, 984], "pixels"],
    ["unit", [0, 0, 1, 1], undefined],
    ["pixels", [0, 0, 5000, 1], undefined],
  ])("%s, %j: %s", (convention, corner, expected) =>
    expect(likelyConvention(boxes(...corner), { convention, seen })).toBe(expected),
  );

  it("is counted in the verdict", () => {
    const answer = "<answer>\n[{'bbox_2d': [0.1, 0.2, 0.5, 0.9], 'label': 'cat'}]\n</answer>";
    const sample = { groundTruth: "[{'bbox_2d': [100, 200, 500, 900], 'label': 'cat'}]" };
    const metrics = (params: object) => detection.verify(answer, { ...sample, params: { ...params } });
    expect(metrics({ boxes: "thousandths" })).toMatchObject({ metrics: { other_box_convention: 1 } });
    expect(metrics({ boxes: "unit" })).not.toHaveProperty("metrics.other_box_convention");
    expect(metrics({})).not.toHaveProperty("metrics.other_box_convention");
  });
});

describe("conventionOfModel", () => {
  it.each([
    ["qwen2_5_vl", "resized-pixels"],
    ["Qwen/Qwen2.5-VL-7B-Instruct", "resized-pixels"],
    ["/models/Qwen2.5-VL-32B-Instruct-AWQ", "resized-pixels"],
    ["qwen2_vl", "thousandths"],
    ["Qwen/Qwen2-VL-2B-Instruct", "thousandths"],
    ["Qwen/Qwen-VL-Chat", "thousandths"],
    ["qwen3_vl", "thousandths"],
    ["qwen3_vl_moe", "thousandths"],
    ["Qwen/Qwen3-VL-235B-A22B-Thinking", "thousandths"],
    ["qwen3-vl:8b", "thousandths"],
    ["qwen3_5", "thousandths"],
    ["Qwen/Qwen3.5-397B-A17B", "thousandths"],
    ["OpenGVLab/InternVL3-8B", "thousandths"],
    ["zai-org/GLM-4.5V", "thousandths"],
    ["deepseek-ai/deepseek-vl2-tiny", "thousandths-999"],
    ["google/gemini-2.5-pro", "yx-thousandths"],
    ["policy", undefined],
    ["Qwen2.5-7B-Instruct", undefined],
    ["", undefined],
  ])("%s: %s", (name, convention) => expect(conventionOfModel(name)).toBe(convention));
});
