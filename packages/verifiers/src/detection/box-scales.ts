/**
 * Brings the boxes or points of a response and the boxes of a gold answer to one scale.
 *
 *   - `boxes` names the response's convention, `gold_boxes` the gold answer's (thousandths if it is not set);
 *   - else `det_verifier_normalized` says that the response has pixels of the resized picture and the gold answer
 *     thousandths; boxes of the response are scaled and truncated to integers, as V-Triune does it;
 *   - else both are compared as they are written.
 */
import { relativeBoxes, type Box } from "../boxes/box";
import { boxesInThousandths, isYFirst, type BoxConvention, type BoxFrame } from "../boxes/box-convention";
import type { ParamsIssue } from "../standard-schema";
import { PICTURE_SIZE_IS_MISSING, pictureSizeIsMissing, type DetectionParams } from "./detection-params";

/** What a sample's parameters say of scale. */
export type ScaleParams = Pick<DetectionParams, "normalized" | "boxes" | "goldBoxes" | "pictureSize" | "storedSize">;

/** The frames of a response and of its gold answer; undefined if they are compared as they are written. */
export interface BoxFrames {
  readonly response: BoxFrame;
  readonly gold: BoxFrame;
}

/** @returns undefined if nothing is said of scale */
export function boxFrames(params: ScaleParams): BoxFrames | undefined {
  const response = params.boxes ?? (params.normalized ? "resized-pixels" : undefined);
  if (response === undefined) return undefined;
  const frame = (convention: BoxConvention): BoxFrame => ({
    convention,
    seen: params.pictureSize,
    stored: params.storedSize,
  });
  return { response: frame(response), gold: frame(params.goldBoxes ?? "thousandths") };
}

/** Whether boxes of a frame are read with y before x. */
export function yFirstIn(frame: BoxFrame | undefined): boolean {
  return frame !== undefined && isYFirst(frame.convention);
}

/** Boxes in the same scale, or the parameter that is missing. */
export type ScaledBoxes =
  | { readonly predictions: readonly Box[]; readonly golds: readonly Box[]; readonly issue?: undefined }
  | { readonly issue: ParamsIssue };

/** Scales what the reader returned, x before y. */
export function scaleBoxes(predictions: readonly Box[], golds: readonly Box[], params: ScaleParams): ScaledBoxes {
  const frames = boxFrames(params);
  if (frames === undefined) return { predictions, golds };
  // What is not named is thousandths already, and stays as it is written.
  const isAsWritten = params.boxes === undefined && frames.gold.convention === "thousandths";
  const scaledGolds = isAsWritten ? golds : boxesInThousandths(golds, frames.gold);
  if (scaledGolds === undefined) return { issue: pictureSizeIsMissing(frames.gold.convention) };
  if (params.boxes === undefined) {
    const { pictureSize } = params;
    if (pictureSize === undefined) return { issue: PICTURE_SIZE_IS_MISSING };
    return { predictions: relativeBoxes(predictions, pictureSize.width, pictureSize.height), golds: scaledGolds };
  }
  const scaled = boxesInThousandths(predictions, frames.response);
  if (scaled === undefined) return { issue: pictureSizeIsMissing(frames.response.convention) };
  return { predictions: scaled, golds: scaledGolds };
}
