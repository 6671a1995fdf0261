/**
 * Box conventions: in what unit, and in what order, a model writes coordinates. The convention belongs to the model.
 *
 *     pixels             pixels of the picture as it is stored
 *     resized-pixels     pixels of the picture as the model saw it: Qwen2.5-VL
 *     thousandths        0..1000 of the picture's width and height: Qwen-VL, Qwen2-VL, Qwen3-VL and later, InternVL, GLM-V
 *     thousandths-999    0..999, where 999 is the far edge: DeepSeek-VL2, Rex-Omni
 *     unit               0..1
 *     yx-thousandths     0..1000 with y before x: Gemini, whose key is box_2d
 *
 * Boxes are compared in thousandths, rounded to a millionth of one, so that the same box in two conventions is the same
 * numbers.
 */
import type { Box, Corners } from "./box";

/** The names of the conventions. */
export const BOX_CONVENTIONS = [
  "pixels",
  "resized-pixels",
  "thousandths",
  "thousandths-999",
  "unit",
  "yx-thousandths",
] as const;

/** How a model writes coordinates. */
export type BoxConvention = (typeof BOX_CONVENTIONS)[number];

/** A picture's size in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A convention, and the sizes of the picture that its coordinates are in. */
export interface BoxFrame {
  readonly convention: BoxConvention;
  /** The picture as it is stored; needed for `pixels`. */
  readonly stored?: PictureSize | undefined;
  /** The picture as the model saw it; needed for `resized-pixels`. */
  readonly seen?: PictureSize | undefined;
}

/** Whether a value names a convention. */
export function isBoxConvention(value: unknown): value is BoxConvention {
  return BOX_CONVENTIONS.includes(value as BoxConvention);
}

/** Whether y comes before x. */
export function isYFirst(convention: BoxConvention): boolean {
  return convention === "yx-thousandths";
}

/** The coordinates of the picture's far corner; undefined if they depend on a size that is not known. */
export function farCorner({ convention, stored, seen }: BoxFrame): PictureSize | undefined {
  switch (convention) {
    case "pixels":
      return stored;
    case "resized-pixels":
      return seen;
    case "thousandths":
    case "yx-thousandths":
      return { width: 1000, height: 1000 };
    case "thousandths-999":
      return { width: 999, height: 999 };
    case "unit":
      return { width: 1, height: 1 };
  }
}

const PRECISION = 1e6;
const rounded = (value: number): number => Math.round(value * PRECISION) / PRECISION;

/**
 * A place in thousandths of the picture.
 *
 * @param corner the {@link farCorner} of the frame in which x and y are
 */
export function thousandthsOf(x: number, y: number, { width, height }: PictureSize): readonly [x: number, y: number] {
  return [rounded((x / width) * 1000), rounded((y / height) * 1000)];
}

/**
 * Boxes in thousandths of the picture. The reader has put x before y already.
 *
 * @returns undefined if the frame lacks the picture's size
 * @example boxesInThousandths([{ bbox: [0, 0, 0.5, 1], label: "cat" }], { convention: "unit" }) // [0, 0, 500, 1000]
 */
export function boxesInThousandths(boxes: readonly Box[], frame: BoxFrame): Box[] | undefined {
  const corner = farCorner(frame);
  if (corner === undefined) return undefined;
  const scaled = ([x1, y1, x2, y2]: Corners): Corners => [
    ...thousandthsOf(x1, y1, corner),
    ...thousandthsOf(x2, y2, corner),
  ];
  return boxes.map(({ bbox, label }) => ({ bbox: scaled(bbox), label }));
}
