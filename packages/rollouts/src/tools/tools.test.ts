import fc from "fast-check";
import { type RgbImage, decodeImage, encodePng } from "@v-triune/policy";
import { BOX_CONVENTIONS, farCorner } from "@v-triune/verifiers";
import { describe, expect, it } from "vitest";
import { repairedBox } from "./box-argument";
import { builtInTool } from "./built-in-tools";
import { evaluate } from "./calculate";
import { type CalledTool, callTool } from "./call-tool";
import { createCropTool } from "./crop";
import { checkTool } from "./tool-conformance";
import { BUILT_IN_TOOLS } from "./tool-names";
import type { Tool, ToolPicture } from "./tool";

/** Pixel (x, y) has the color (x, y, 7). */
function numbered(width: number, height: number): RgbImage {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([x, y, 7], 3 * (y * width + x));
  return { width, height, data };
}
const image = numbered(200, 120);
/** The model sees it at half of its size. */
const picture: ToolPicture = {
  width: 200,
  height: 120,
  seen: { width: 100, height: 60 },
  pixels: () => Promise.resolve(image),
};
const context = { pictures: [picture], promptPictures: 1 };
const call = (tool: Tool, args: unknown): Promise<CalledTool> =>
  callTool({ name: tool.name, arguments: args }, [tool], context);

const good = {
  crop: { bbox_2d: [10, 10, 40, 40] },
  rotate: { degrees: 90 },
  mark: { boxes: [[1, 2, 30, 40]], points: [[5, 6]] },
  measure: { from: [0, 0], to: [3, 4] },
  calculate: { expression: "(3 + 4) * 2" },
};

describe("built-in tools", () => {
  it.each(BUILT_IN_TOOLS)("%s keeps the contract", async (name) => {
    expect(await checkTool(builtInTool(name, "resized-pixels"), { calls: [good[name]] })).toEqual([]);
  });

  it("crop cuts the picture as it is stored, by the size that the model saw", async () => {
    const { pictures, lookedAt } = await call(createCropTool({ boxes: "resized-pixels" }), {
      bbox_2d: [10, 10, 40, 40],
    });
    expect(pictures[0]).toMatchObject({ width: 60, height: 60 });
    const cut = await decodeImage(pictures[0]!.png);
    expect([...cut.data.subarray(0, 3)]).toEqual([20, 20, 7]);
    expect([...cut.data.subarray(-3)]).toEqual([79, 79, 7]);
    expect(lookedAt).toEqual({ picture: 0, box: [100, 1000 / 6, 400, 4000 / 6] });
  });

  it.each([
    [[40, 40, 10, 10], "swapped corners were put in order.", [60, 60]],
    [[-20, 10, 20, 40], "the box was cut at the edge.", [40, 60]],
    [[50, 30, 51, 31], "the box was widened.", [28, 28]],
    [[0, 0, 100, 1], "the box was widened.", [200, 28]],
  ])("crop repairs %j with a word", async (bbox_2d, text, [width, height]) => {
    const result = await call(createCropTool({ boxes: "resized-pixels" }), { bbox_2d });
    expect(result).toMatchObject({ text, pictures: [{ width, height }] });
    const quiet = await call(createCropTool({ boxes: "resized-pixels", notes: false }), { bbox_2d });
    expect(quiet.text).toBe("");
  });

  it.each([
    [{ bbox_2d: [150, 10, 160, 40] }, "the box is outside of the picture"],
    [{ bbox_2d: [1, 2, 3] }, "bbox_2d must be exactly length 4 (was 3)"],
    [{ bbox_2d: [1, 2, 3, Number.NaN] }, "bbox_2d[3] must be a number (was NaN)"],
    [{ bbox_2d: [1, 2, 30, 40], image_index: 1 }, "there is no such picture; the conversation has 1"],
    [{ bbox_2d: [1, 2, 30, 40], source: "observation_1" }, "there is no such picture; the conversation has 1"],
    [{ bbox_2d: [1, 2, 30, 40], source: "observation_0" }, "there is no such picture; the conversation has 1"],
    [{ bbox_2d: [1, 2, 30, 40], source: "photo" }, 'unknown source "photo"; known: original_image, observation_1, ..'],
    [{}, "bbox_2d must be an array (was missing)"],
  ])("crop says why %j shows nothing", async (args, fault) => {
    const result = await call(createCropTool({ boxes: "resized-pixels" }), args);
    expect(result).toMatchObject({ fault, text: `error: ${fault}`, pictures: [] });
  });

  it("crops lie in the picture and hold the box, whatever it is, in every convention", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...BOX_CONVENTIONS),
        fc.array(fc.double({ min: -0.5, max: 1.5, noNaN: true }), { minLength: 4, maxLength: 4 }),
        fc.boolean(),
        (convention, shares, square) => {
          const far = farCorner({ convention, stored: picture, seen: picture.seen })!;
          const isYFirst = convention === "yx-thousandths";
          const numbers = shares.map((share, i) => share * ((i % 2 === 0) === isYFirst ? far.height : far.width));
          const found = repairedBox(numbers, picture, { convention, minSide: 10, maxRatio: 4, square });
          if (typeof found === "string") return;
          const [x1, y1, x2, y2] = found.box;
          expect(found.box.every(Number.isInteger)).toBe(true);
          expect(0 <= x1 && x1 < x2 && x2 <= 200 && 0 <= y1 && y1 < y2 && y2 <= 120).toBe(true);
          expect(x2 - x1).toBeGreaterThanOrEqual(10);
          expect(y2 - y1).toBeGreaterThanOrEqual(10);
          expect((x2 - x1) / (y2 - y1)).toBeLessThanOrEqual(4.2);
        },
      ),
    );
  });

  it("controls show nothing new: what the model saw, and gray", async () => {
    const args = { bbox_2d: [10, 10, 40, 40] };
    const seen = await call(createCropTool({ boxes: "resized-pixels", from: "seen" }), args);
    expect(seen.pictures[0]).toMatchObject({ width: 30, height: 30 });
    const blank = await call(createCropTool({ boxes: "resized-pixels", from: "blank" }), args);
    expect(new Set((await decodeImage(blank.pictures[0]!.png)).data)).toEqual(new Set([127]));
  });

  it("rotate turns clockwise, measure counts stored pixels, mark draws", async () => {
    const turned = await decodeImage((await call(builtInTool("rotate", "pixels"), { degrees: 90 })).pictures[0]!.png);
    expect([turned.width, turned.height]).toEqual([120, 200]);
    expect([...turned.data.subarray(0, 3)]).toEqual([0, 119, 7]);
    const back = await call(builtInTool("rotate", "pixels"), { degrees: -90 });
    expect([...(await decodeImage(back.pictures[0]!.png)).data.subarray(0, 3)]).toEqual([199, 0, 7]);
    const { text } = await call(builtInTool("measure", "resized-pixels"), { from: [0, 0], to: [3, 4] });
    expect(text).toBe("distance 10.0 px (x 6.0, y 8.0); picture 200 x 120 px");
    const drawn = await decodeImage(
      (await call(builtInTool("mark", "pixels"), { boxes: [[10, 10, 50, 50]] })).pictures[0]!.png,
    );
    expect([...drawn.data.subarray(3 * (10 * 200 + 20), 3 * (10 * 200 + 20) + 3)]).toEqual([230, 25, 75]);
    expect([...drawn.data.subarray(3 * (30 * 200 + 30), 3 * (30 * 200 + 30) + 3)]).toEqual([30, 30, 7]);
    expect(image.data[3 * (10 * 200 + 20)]).toBe(20);
  });

  it.each([
    ["1 + 2 * 3", 7],
    ["-2 ^ 2", -4],
    ["2 ^ -1 ^ 2", 0.5],
    ["(1 + 2) × 3 ÷ 2 % 4", 0.5],
    ["sqrt(16) + max(1, 2, 3) - pi", 7 - Math.PI],
    ["1e3 + .5", 1000.5],
    ["1 / 0", "the result is not finite"],
    ["1 +", "the expression ends too early"],
    ["process.exit()", "unexpected process"],
    ["constructor(1)", "unexpected constructor"],
    ["1 2", "unexpected 2"],
    ["(".repeat(250), "the expression ends too early"],
  ])("calculates %s", (expression, value) => {
    if (typeof value === "number") expect(evaluate(expression)).toBeCloseTo(value, 12);
    else expect(evaluate(expression)).toBe(value);
  });
});

describe("checkTool", () => {
  const base = builtInTool("calculate", "pixels");
  let calls = 0;
  it.each<[string, Partial<Tool>]>([
    ["identity", { name: "two words" }],
    ["identity", { description: "" }],
    ["parameters", { parameters: {} }],
    ["result", { call: () => undefined as never }],
    ["result", { call: () => Promise.reject(new Error("broken")) }],
    ["result", { call: () => new Promise<never>(() => {}) }],
    ["repeats", { call: () => ({ text: String(calls++) }) }],
    [
      "refuses",
      {
        schema: { "~standard": { version: 1, vendor: "any", validate: (value) => ({ value }) } },
        call: () => ({ text: "1" }),
      },
    ],
  ])("finds a broken rule: %s", async (rule, change) => {
    const findings = await checkTool({ ...base, ...change }, { calls: [good.calculate], longestMs: 50 });
    expect(findings.map((finding) => finding.rule)).toContain(rule);
  });

  it("needs a call", () => expect(checkTool(base, { calls: [] })).rejects.toThrow("checkTool: no calls"));
});

it("pictures survive the way through a file", async () => {
  const again = await decodeImage(await encodePng(image));
  expect(Buffer.from(again.data).equals(Buffer.from(image.data))).toBe(true);
});
