import { describe, expect, it } from "vitest";
import type { GridThw } from "../../image-processor/image-processor";
import { ImageError } from "../../input-error";
import { benchmarkConfig } from "../../testing/tiny-model";
import { mropePositions } from "../../model/mrope-positions";
import { joinPixels, patchWidth } from "../../vision/tower-parts";
import type { VisualInput } from "../../vision/visual-input";
import { windowLayout } from "./window-layout";

const config = benchmarkConfig({ vocabSize: 100, intermediateSize: 16 });
const { imageTokenId: image, videoTokenId: video } = config;

// The numbers of transformers are compared in ../parity; here, what is easy to see.
describe("windowLayout", () => {
  it("cuts a picture into windows of 2 × 2 merged cells, the last ones smaller", () => {
    const layout = windowLayout([[1, 6, 4]], config.vision);
    expect(layout.tokens).toBe(6);
    expect([...layout.windowIndex]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(layout.windowed.segments.map(({ count }) => count)).toEqual([16, 8]);
    expect(layout.frames.segments.map(({ count }) => count)).toEqual([24]);
  });

  it("keeps pictures and frames apart", () => {
    const layout = windowLayout(
      [
        [1, 4, 6],
        [2, 2, 2],
      ],
      config.vision,
    );
    expect([...layout.windowIndex]).toEqual([0, 1, 3, 4, 2, 5, 6, 7]);
    expect(layout.frames.segments.map(({ count }) => count)).toEqual([24, 4, 4]);
  });

  it("moves whole cells into window order", () => {
    const width = patchWidth(config.vision);
    const picture = (grid: GridThw, first: number): VisualInput => ({
      pixelValues: Float32Array.from({ length: grid[1] * grid[2] * width }, (_, i) => first + Math.floor(i / width)),
      gridThw: [grid],
    });
    const firstPatches = (...inputs: VisualInput[]): number[] => {
      const { windowIndex } = windowLayout(
        inputs.flatMap(({ gridThw }) => gridThw),
        config.vision,
      );
      return [...joinPixels(inputs, config.vision, windowIndex)].filter((_, i) => i % (4 * width) === 0);
    };
    expect(firstPatches(picture([1, 4, 6], 0))).toEqual([0, 4, 12, 16, 8, 20]);
    expect(firstPatches(picture([1, 2, 2], 50), picture([1, 4, 6], 100))).toEqual([50, 100, 104, 112, 116, 108, 120]);
    const inOrder = picture([1, 4, 4], 0);
    expect(joinPixels([inOrder], config.vision, windowLayout(inOrder.gridThw, config.vision).windowIndex)).toBe(
      inOrder.pixelValues,
    );
  });

  it.each([[[1, 3, 4]], [[1, 4, 0]], [[0, 2, 2]], [[1, 2.5, 2]], [[1, NaN, 2]], [[1, 2]]])(
    "refuses the grid %j by name",
    (grid) => {
      const images = { pixelValues: new Float32Array(0), gridThw: [[1, 2, 2], grid as unknown as GridThw] };
      expect(() => windowLayout(images.gridThw as GridThw[], config.vision)).toThrow(ImageError);
      const promptIds = Int32Array.of(image, 9, ...Array.from({ length: 6 }, () => image));
      expect(() => mropePositions({ promptIds, images: images as VisualInput }, config)).toThrow(
        /cannot be merged[^]*where: +image 1 of the prompt[^]*\s+multiples of 2\s+found: [^]*fix:/,
      );
    },
  );
});

describe("mropePositions", () => {
  const axes = (positions: Int32Array): number[][] =>
    [0, 1, 2].map((axis) => [
      ...positions.subarray((axis * positions.length) / 3, ((axis + 1) * positions.length) / 3),
    ]);

  it("counts text on in all axes and goes on after a picture's longer side", () => {
    const images = { pixelValues: new Float32Array(0), gridThw: [[1, 2, 6]] as const };
    const { positions, next } = mropePositions({ promptIds: Int32Array.of(9, image, image, image, 9), images }, config);
    expect(axes(positions)).toEqual([
      [0, 1, 1, 1, 4],
      [0, 1, 1, 1, 4],
      [0, 1, 2, 3, 4],
    ]);
    expect(next).toBe(5);
  });

  it("spaces a video's frames by seconds", () => {
    const videos = { pixelValues: new Float32Array(0), gridThw: [[2, 2, 2]] as const, secondsPerGrid: [1.5] };
    const { positions, next } = mropePositions({ promptIds: Int32Array.of(9, video, video, 9), videos }, config);
    expect(axes(positions)).toEqual([
      [0, 1, 4, 2],
      [0, 1, 1, 2],
      [0, 1, 1, 2],
    ]);
    expect(next).toBe(3);
  });

  it("takes pictures that follow each other without a token between", () => {
    const images = {
      pixelValues: new Float32Array(0),
      gridThw: [
        [1, 2, 2],
        [1, 2, 4],
      ] as const,
    };
    expect(
      axes(mropePositions({ promptIds: Int32Array.of(image, image, image), images }, config).positions)[2],
    ).toEqual([0, 1, 2]);
  });

  it.each([
    ["too few placeholders", [9, image, 9]],
    ["too many", [image, image, image]],
    ["none", [9]],
    ["placeholders of a video instead", [video, video]],
  ])("refuses %s", (_, ids) => {
    const images = { pixelValues: new Float32Array(0), gridThw: [[1, 2, 4]] as const };
    expect(() => mropePositions({ promptIds: Int32Array.from(ids), images }, config)).toThrow(
      /placeholders of a prompt do not match/,
    );
  });
});
