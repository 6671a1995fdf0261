/**
 * Whether boxes look as if they were written in another convention than the one they are read in. One answer proves
 * nothing: a model that learns writes impossible boxes too. So answers are counted, and a batch with many is worth a
 * warning.
 *
 *     every coordinate in 0..1, read as anything else               looks like unit
 *     a coordinate over the far edge, read as unit                  looks like pixels or thousandths
 *     a coordinate over the far edge, read as thousandths           looks like pixels
 *     a coordinate over the far edge and none over 1000, as pixels  looks like thousandths
 */
import type { Box } from "./box";
import { farCorner, type BoxConvention, type BoxFrame } from "./box-convention";

/** The metric of a response whose coordinates look as if they were written in another convention; absent otherwise. */
export const OTHER_BOX_CONVENTION = "other_box_convention";

/** The part of a picture's side by which a box may reach over its edge: models that learn pixels miss by more. */
const PIXEL_OVERHANG = 0.1;
const OVERHANG = 0.02;

/**
 * The convention that boxes look like.
 *
 * @param boxes as they are written, x before y
 * @param frame what they are read in
 * @returns undefined if they fit the frame, or nothing better is known
 * @example likelyConvention([{ bbox: [0.1, 0.2, 0.6, 0.9], label: "cat" }], { convention: "thousandths" }) // "unit"
 */
export function likelyConvention(boxes: readonly Box[], frame: BoxFrame): BoxConvention | undefined {
  const corner = farCorner(frame);
  if (corner === undefined || boxes.length === 0) return undefined;
  let [right, bottom, least] = [-Infinity, -Infinity, Infinity];
  for (const { bbox } of boxes) {
    right = Math.max(right, bbox[2]);
    bottom = Math.max(bottom, bbox[3]);
    least = Math.min(least, bbox[0], bbox[1]);
  }
  const most = Math.max(right, bottom);
  if (frame.convention !== "unit" && least >= 0 && most > 0 && most <= 1) return "unit";
  const overhang = 1 + (frame.convention.endsWith("pixels") ? PIXEL_OVERHANG : OVERHANG);
  const isOver = right > corner.width * overhang || bottom > corner.height * overhang;
  if (!isOver) return undefined;
  switch (frame.convention) {
    case "unit":
      return most <= 1000 ? "thousandths" : "pixels";
    case "thousandths":
    case "thousandths-999":
    case "yx-thousandths":
      return "pixels";
    case "pixels":
    case "resized-pixels":
      return most <= 1000 ? "thousandths" : undefined;
  }
}
