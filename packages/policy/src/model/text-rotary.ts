/**
 * The language model's rotary table (M-RoPE, arXiv 2409.12191): each of the headDim / 2 frequencies follows time,
 * height or width. Qwen2-VL and Qwen2.5-VL deal them out in runs, `mropeSection` each. Qwen3-VL interleaves (arXiv
 * 2511.21631; transformers 5.23 `apply_interleaved_mrope`): frequency i follows height if i % 3 = 1 and i < 3 ·
 * section[1], width if i % 3 = 2 and i < 3 · section[2], and time otherwise.
 */
import type { TextConfig } from "../config/model-config";
import { inverseFrequencies, rotaryValues, type RotaryValues } from "../kernels/rotary-values";

/** @param positions [3 · tokens] */
export function textRotary(positions: Int32Array, config: TextConfig): RotaryValues {
  const tokens = positions.length / 3;
  const frequencies = inverseFrequencies(config.ropeTheta, config.headDim);
  const axes = frequencyAxes(config);
  return rotaryValues(tokens, config.headDim / 2, (token, i) =>
    Math.fround(positions[axes[i]! * tokens + token]! * frequencies[i]!),
  );
}

/** Which axis each frequency follows: 0 time, 1 height, 2 width; [headDim / 2]. */
export function frequencyAxes({ headDim, mropeSection, mropeInterleaved }: TextConfig): number[] {
  if (!mropeInterleaved) return mropeSection.flatMap((count, axis) => Array.from({ length: count }, () => axis));
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const axis = i % 3;
    return axis > 0 && i < 3 * mropeSection[axis]! ? axis : 0;
  });
}
