/**
 * Boxes and points that a model passes to a tool: its convention is undone, and what it gets slightly wrong is repaired
 * with a word, so that it learns from it and still sees something.
 */
import { type BoxConvention, farCorner } from "@v-triune/verifiers";
import type { ToolContext, ToolPicture } from "./tool";

/** [x1, y1, x2, y2] in pixels of the stored picture. */
export type PixelBox = readonly [number, number, number, number];

/** A box that can be cut out, and what was repaired. */
export interface RepairedBox {
  readonly box: PixelBox;
  readonly repairs: readonly string[];
}

export interface BoxRules {
  readonly convention: BoxConvention;
  /** Shortest side in pixels of the stored picture; shorter ones are widened about their middle. */
  readonly minSide: number;
  /** Longest side by shortest side; the shorter one of a thinner box is widened. */
  readonly maxRatio: number;
  /** Whether the shorter side is widened to the longer one. */
  readonly square: boolean;
}

/** A point in pixels of the stored picture. */
export function pixelPoint(
  first: number,
  second: number,
  picture: ToolPicture,
  convention: BoxConvention,
): readonly [x: number, y: number] {
  const [x, y] = convention === "yx-thousandths" ? [second, first] : [first, second];
  // Both sizes are given, so that there is one.
  const { width, height } = farCorner({ convention, stored: picture, seen: picture.seen })!;
  return [(x / width) * picture.width, (y / height) * picture.height];
}

/**
 * The part of the picture that a box means.
 *
 * @param numbers in the model's convention
 * @returns the reason if nothing can be cut out
 */
export function repairedBox(
  numbers: readonly number[],
  picture: ToolPicture,
  { convention, minSide, maxRatio, square }: BoxRules,
): RepairedBox | string {
  if (numbers.length !== 4 || !numbers.every(Number.isFinite)) return "a box has four finite numbers";
  const repairs: string[] = [];
  const [a, b] = [
    pixelPoint(numbers[0]!, numbers[1]!, picture, convention),
    pixelPoint(numbers[2]!, numbers[3]!, picture, convention),
  ];
  if (a[0] > b[0] || a[1] > b[1]) repairs.push("swapped corners were put in order");
  const sorted: PixelBox = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  const { width, height } = picture;
  if (sorted[0] >= width || sorted[1] >= height || sorted[2] <= 0 || sorted[3] <= 0)
    return "the box is outside of the picture";
  const clipped: PixelBox = [
    Math.max(0, sorted[0]),
    Math.max(0, sorted[1]),
    Math.min(width, sorted[2]),
    Math.min(height, sorted[3]),
  ];
  // A pixel beyond the edge is rounding.
  if (clipped.some((value, i) => Math.abs(value - sorted[i]!) > 1)) repairs.push("the box was cut at the edge");
  const sides = [clipped[2] - clipped[0], clipped[3] - clipped[1]] as const;
  const longest = Math.max(...sides, minSide);
  const shortest = square ? longest : Math.max(minSide, longest / maxRatio);
  if (sides.some((side) => side < Math.max(minSide, longest / maxRatio) - 1e-9)) repairs.push("the box was widened");
  const [left, right] = widened(clipped[0], clipped[2], shortest, width);
  const [top, bottom] = widened(clipped[1], clipped[3], shortest, height);
  return { box: [left, top, right, bottom], repairs };
}

/** A stretch of at least `least` about its middle, within 0..end, in whole pixels. */
function widened(from: number, to: number, least: number, end: number): [from: number, to: number] {
  const length = Math.min(end, Math.max(to - from, least));
  const start = to - from >= least ? from : Math.min(Math.max(0, (from + to - length) / 2), end - length);
  const first = Math.min(Math.floor(start + 1e-9), end - 1);
  return [first, Math.min(end, Math.max(first + 1, Math.ceil(start + length - 1e-9)))];
}

/** A picture by what a call says of it. */
export interface PictureChoice {
  /** From 0, in the conversation. */
  readonly image_index?: number;
  readonly img_idx?: number;
  /** `original_image`, or `observation_1` for the first picture that a tool returned. */
  readonly source?: string;
}

/** @returns the reason if there is no such picture */
export function chosenPicture({ image_index, img_idx, source }: PictureChoice, context: ToolContext): number | string {
  const { pictures, promptPictures } = context;
  const observation = /^observation_(\d+)$/.exec(source ?? "")?.[1];
  if (source !== undefined && source !== "original_image" && !observation)
    return `unknown source ${JSON.stringify(source)}; known: original_image, observation_1, ..`;
  const index = observation ? promptPictures - 1 + Number(observation) : (image_index ?? img_idx ?? 0);
  const isBefore = Number(observation ?? 1) < 1;
  if (!isBefore && Number.isInteger(index) && index >= 0 && index < pictures.length) return index;
  return `there is no such picture; the conversation has ${pictures.length}`;
}
