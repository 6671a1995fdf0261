import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelConfigError, ImageError } from "../input-error";
import { largestDifference } from "../parity/parity";
import { resizeBicubic, type RgbImage } from "./bicubic-resize";
import { QWEN2_IMAGE_SETTINGS } from "./image-processor";
import { smartResize } from "./smart-resize";
import { createImageProcessor, readImageSettings } from "../folder/read-model";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-processor-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A picture whose bytes are given by position and channel. */
function draw(width: number, height: number, value: (x: number, y: number, channel: number) => number): RgbImage {
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) =>
      value(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3),
    ),
  };
}

describe("smart resize", () => {
  const options = { factor: 28, minPixels: 3136, maxPixels: 12544 };

  it("rounds half to even, as Python does", () => {
    const wide = { ...options, minPixels: 1, maxPixels: 1e9 };
    expect([42, 70, 98, 126, 182].map((side) => smartResize(side, 280, wide).height)).toEqual([56, 56, 112, 112, 168]);
  });

  it("keeps within the bounds, in multiples of the factor, wherever a picture fits at all", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 }), (height, width) => {
        fc.pre(Math.max(height, width) / Math.min(height, width) <= 200);
        const size = smartResize(height, width, options);
        expect([size.height % 28, size.width % 28]).toEqual([0, 0]);
        expect(size.height * size.width).toBeGreaterThanOrEqual(options.minPixels);
        // Only a picture thinner than one cell can be larger than the bound.
        if (Math.min(size.height, size.width) > 28)
          expect(size.height * size.width).toBeLessThanOrEqual(options.maxPixels);
      }),
    );
  });

  it("refuses a ratio above 200, not 200 itself", () => {
    expect(smartResize(1, 200, options)).toEqual({ height: 28, width: 812 });
    expect(() => smartResize(1, 201, options)).toThrow(/ratio of at most 200\n.*201 x 1 pixels, a ratio of 201/);
  });
});

describe("bicubic resize", () => {
  it("leaves an even picture even, at any size", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 90 }),
        (w, h, toW, toH) => {
          const out = resizeBicubic(
            draw(w, h, (_, __, channel) => [17, 128, 255][channel]!),
            toW,
            toH,
          );
          expect([out.width, out.height, out.data.length]).toEqual([toW, toH, toW * toH * 3]);
          expect(out.data.every((value, i) => value === [17, 128, 255][i % 3])).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("turns rows into columns when the picture is turned", () => {
    const value = (x: number, y: number, channel: number) => (x * 37 + y * 91 + channel * 50) % 256;
    const lying = resizeBicubic(draw(50, 9, value), 21, 9);
    const standing = resizeBicubic(
      draw(9, 50, (x, y, channel) => value(y, x, channel)),
      9,
      21,
    );
    for (let x = 0; x < 21; x++)
      for (let y = 0; y < 9; y++) expect(lying.data[(y * 21 + x) * 3]).toBe(standing.data[(x * 9 + y) * 3]);
  });

  it("overshoots at an edge and is clipped, and returns a picture of the right size as it is", () => {
    const step = draw(8, 1, (x) => (x < 4 ? 0 : 255));
    const wide = [...resizeBicubic(step, 32, 1).data].filter((_, i) => i % 3 === 0);
    expect([Math.min(...wide), Math.max(...wide)]).toEqual([0, 255]);
    const gentle = [
      ...resizeBicubic(
        draw(8, 1, (x) => (x < 4 ? 100 : 150)),
        32,
        1,
      ).data,
    ];
    expect([Math.min(...gentle), Math.max(...gentle)]).toEqual([96, 154]);
    expect(resizeBicubic(step, 8, 1)).toBe(step);
  });

  // SHA-256 of Pillow 12.2's bytes, the first 16 digits.
  it.each([
    [201, 84, "2cf97665f12e02fc"],
    [200, 84, "769856c559a08e9b"],
    [201, 252, "3dda8e0e88184a9f"],
  ])("is Pillow's for a picture of 2 × %i that becomes 28 × %i", (height, to, expected) => {
    const { data } = resizeBicubic(
      draw(2, height, (x, y, channel) => (x * 89 + y * 57 + channel * 31 + x * y * 13) % 256),
      28,
      to,
    );
    expect(createHash("sha256").update(data).digest("hex").slice(0, 16)).toBe(expected);
  });
});

describe("patches", () => {
  it("go merge block by merge block, channel, temporal slice, row, column", () => {
    const processor = createImageProcessor({ rescaleFactor: 1, mean: [0, 0, 0], std: [1, 1, 1] });
    const image = draw(112, 56, (x, y, channel) => (channel === 0 ? x : channel === 1 ? y : 200));
    const { pixelValues, gridThw } = processor.processDecoded([image]);
    expect(gridThw).toEqual([[1, 4, 8]]);
    const at = (patch: number, channel: number, slice: number, y: number, x: number) =>
      pixelValues[patch * 1176 + channel * 392 + slice * 196 + y * 14 + x];
    // The first four patches are the 2 × 2 block in the corner, the next four lie right of it.
    expect([0, 1, 2, 3, 4].map((patch) => [at(patch, 0, 0, 0, 0), at(patch, 1, 0, 0, 0)])).toEqual([
      [0, 0],
      [14, 0],
      [0, 14],
      [14, 14],
      [28, 0],
    ]);
    expect([at(16, 0, 0, 0, 0), at(16, 1, 0, 0, 0)]).toEqual([0, 28]);
    expect([at(5, 0, 0, 3, 7), at(5, 0, 1, 3, 7), at(5, 1, 1, 3, 7), at(5, 2, 0, 3, 7)]).toEqual([49, 49, 3, 200]);
  });

  it("of several pictures follow each other", async () => {
    const processor = createImageProcessor();
    const [a, b] = [draw(60, 60, (x) => x), draw(200, 80, (x, y) => (x + y) % 256)];
    const both = await processor.process([a, b]);
    const [first, second] = [processor.processDecoded([a]), processor.processDecoded([b])];
    expect(both.gridThw).toEqual([...first.gridThw, ...second.gridThw]);
    expect(both.pixelValues.length).toBe(first.pixelValues.length + second.pixelValues.length);
    expect(largestDifference(both.pixelValues.subarray(0, first.pixelValues.length), first.pixelValues).error).toBe(0);
    expect(largestDifference(both.pixelValues.subarray(first.pixelValues.length), second.pixelValues).error).toBe(0);
    expect(both.gridThw.map((grid) => processor.tokens(grid))).toEqual([4, 21]);
  });

  it("of a picture that is too thin are refused, with the picture's name", async () => {
    const thin = draw(1, 5000, () => 0);
    const processor = createImageProcessor();
    await expect(processor.process([draw(60, 60, () => 0), thin], { name: "train.parquet, row 12" })).rejects.toThrow(
      "A picture is too long and thin.\n  where:    train.parquet, row 12, image 1\n  expected: an aspect ratio of at most 200\n  found:    1 x 5000 pixels, a ratio of 5000\n" +
        "  fix:      crop the picture or leave its sample out",
    );
    expect(() => processor.grid(1, 5000)).toThrow(ImageError);
  });
});

describe("settings", () => {
  let count = 0;
  function write(files: Record<string, unknown>): string {
    const path = join(folder, `settings-${count++}`);
    mkdirSync(path);
    for (const [name, value] of Object.entries(files)) writeFileSync(join(path, name), JSON.stringify(value));
    return path;
  }

  it("are those of transformers where there is no file", () => {
    expect(readImageSettings(write({}))).toEqual(QWEN2_IMAGE_SETTINGS);
    expect(QWEN2_IMAGE_SETTINGS).toMatchObject({ minPixels: 3136, maxPixels: 1003520 });
  });

  it("come from preprocessor_config.json in both its layouts, or from processor_config.json before it", () => {
    const published = {
      min_pixels: 3136,
      max_pixels: 12845056,
      patch_size: 14,
      temporal_patch_size: 2,
      merge_size: 2,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.2, 0.2, 0.2],
      image_processor_type: "Qwen2VLImageProcessor",
    };
    expect(readImageSettings(write({ "preprocessor_config.json": published }))).toMatchObject({
      minPixels: 3136,
      maxPixels: 12845056,
      mean: [0.5, 0.5, 0.5],
    });
    const sized = { size: { shortest_edge: 784, longest_edge: 12544 }, resample: 3 };
    expect(readImageSettings(write({ "preprocessor_config.json": sized }))).toMatchObject({
      minPixels: 784,
      maxPixels: 12544,
    });
    expect(
      readImageSettings(
        write({ "preprocessor_config.json": published, "processor_config.json": { image_processor: sized } }),
      ),
    ).toMatchObject({ minPixels: 784, maxPixels: 12544 });
    expect(readImageSettings(write({ "preprocessor_config.json": { ...sized, max_pixels: 50176 } }))).toMatchObject({
      minPixels: 784,
      maxPixels: 50176,
    });
  });

  it.each<[string, object, string]>([
    ["another filter", { resample: 2 }, "resample"],
    ["no resize", { do_resize: false }, "do_resize"],
    ["bounds that exclude each other", { min_pixels: 5000, max_pixels: 4000 }, "min_pixels"],
    ["two means", { image_mean: [0, 0] }, "image_mean"],
    ["a deviation of zero", { image_std: [1, 1, 0] }, "image_std"],
    ["pixels that are no number", { max_pixels: "many" }, "max_pixels"],
  ])("that ask for %s are refused", (_, values, key) => {
    const path = write({ "preprocessor_config.json": values });
    expect(() => readImageSettings(path)).toThrow(ModelConfigError);
    expect(() => readImageSettings(path)).toThrow(`key ${key}`);
  });
});
