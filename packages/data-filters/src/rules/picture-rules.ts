/**
 * Rules for pictures: a row must have one, and each must decode and be at least as large as a patch of the vision
 * encoder.
 */
import type { FilterRule } from "./filter-rule";

/** Drops rows without a picture. */
export function hasPicture(): FilterRule {
  return {
    name: "has-picture",
    reason: "no picture",
    scope: "row",
    parameters: {},
    sql: () => "picture_count = 0",
  };
}

/** Drops rows with a picture that is missing, does not decode, or does not have its annotation's size. */
export function pictureDecodes(): FilterRule {
  return {
    name: "picture-decodes",
    reason: "a picture is missing or does not decode",
    scope: "row",
    needs: ["picture"],
    parameters: {},
    sql: () => "picture_error IS NOT NULL",
  };
}

/**
 * Drops rows with a picture whose shorter side is under `min` pixels, or whose longer side is over `maxAspect` times
 * the shorter.
 */
export function pictureSize({ min = 28, maxAspect = 200 }: { min?: number; maxAspect?: number } = {}): FilterRule {
  return {
    name: "picture-size",
    reason: `a picture is smaller than ${min} pixels, or longer than ${maxAspect} times its width`,
    scope: "row",
    needs: ["picture"],
    parameters: { min, maxAspect },
    sql: () => `smallest_side < ${min} OR greatest(width, height) > ${maxAspect} * least(width, height)`,
  };
}
