import { describe, expect, it } from "vitest";
import { tinyConfig } from "../testing/tiny-model";
import { mropePositions } from "./mrope-positions";

describe("mropePositions", () => {
  const config = tinyConfig();
  const frames = (count: number, secondsPerGrid: number): number[] => {
    const promptIds = Int32Array.of(10, 11, ...Array.from({ length: count }, () => config.videoTokenId), 12);
    const videos = {
      pixelValues: new Float32Array(0),
      gridThw: [[count, 2, 2]] as const,
      secondsPerGrid: [secondsPerGrid],
    };
    return Array.from(mropePositions({ promptIds, videos }, config).positions.subarray(2, 2 + count));
  };

  it("puts frames at int(f · tokensPerSecond · secondsPerGrid), as transformers 5.23 does", () => {
    expect(config.vision.tokensPerSecond).toBe(2);
    expect(frames(4, 0.25)).toEqual([2, 2, 3, 3]);
    expect(frames(4, 0.75)).toEqual([2, 3, 5, 6]);
    expect(frames(3, 1)).toEqual([2, 4, 6]);
  });
});
