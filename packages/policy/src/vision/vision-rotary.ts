/** The vision tower's rotary table: a quarter of headDim turns with the patch's row, the next with its column. */
import type { VisionConfig } from "../config/model-config";
import { inverseFrequencies, rotaryValues, type RotaryValues } from "../kernels/rotary-values";

/**
 * @param positions row and column of each patch in picture order, [2 · patches]
 * @param order the merged cell at each place, [patches / cell]. Default: picture order.
 */
export function visionRotary(positions: Int32Array, config: VisionConfig, order?: Int32Array): RotaryValues {
  const quarter = config.headDim / 4;
  const cell = config.spatialMergeSize ** 2;
  const frequencies = inverseFrequencies(config.ropeTheta, config.headDim / 2);
  return rotaryValues(positions.length / 2, 2 * quarter, (place, i) => {
    const patch = order ? order[Math.floor(place / cell)]! * cell + (place % cell) : place;
    return Math.fround(positions[2 * patch + (i < quarter ? 0 : 1)]! * frequencies[i % quarter]!);
  });
}
