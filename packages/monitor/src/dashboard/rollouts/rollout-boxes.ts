/**
 * Gold and predicted boxes of an answer, brought to thousandths of the picture and matched as the detection verifier
 * does. The one place where the monitor looks at a verifier: a second reading of boxes would show other boxes than were
 * judged.
 */
import {
  answeredBoxes,
  boxesInThousandths,
  matchBoxes,
  parseBoxes,
  relativeBoxes,
  type Box,
  type BoxConvention,
} from "@v-triune/verifiers/detection";
import { extractAnswer } from "@v-triune/verifiers/format";
import type { DrawnBox, RolloutBoxes } from "../dashboard-api";

/** A picture with more boxes is not drawn whole. */
const MOST_BOXES = 200;
/** Pairs that overlap at all are matched: the page shows the IoU, and the verifier's threshold moves during a run. */
const ANY_OVERLAP = 1e-6;

export interface PictureFrame {
  /** Of the picture as the model saw it, in pixels. */
  readonly width: number;
  readonly height: number;
  /**
   * The convention of predicted boxes; gold boxes are thousandths of the picture then. null: both are pixels of the
   * picture.
   */
  readonly convention: BoxConvention | null;
}

const drawn = ({ bbox: [x1, y1, x2, y2], label }: Box): DrawnBox => ({ bbox: [x1, y1, x2, y2], label });

/**
 * @returns null when the gold answer has no boxes, and so the task none
 * @example rolloutBoxes("<answer>[{'bbox_2d': [0, 0, 42, 42], 'label': 'cat'}]</answer>", gold, { width: 84, height: 84, convention: "resized-pixels" })
 */
export function rolloutBoxes(
  response: string,
  groundTruth: string,
  { width, height, convention }: PictureFrame,
): RolloutBoxes | null {
  if (!groundTruth.includes("bbox_2d") || !(width > 0 && height > 0)) return null;
  const golds = parseBoxes(extractAnswer(groundTruth) ?? groundTruth).slice(0, MOST_BOXES);
  if (golds.length === 0) return null;
  const read = convention ?? "resized-pixels";
  const predictions = answeredBoxes(response, read).slice(0, MOST_BOXES);
  const seen = { width, height };
  const predicted =
    read === "resized-pixels"
      ? relativeBoxes(predictions, width, height)
      : (boxesInThousandths(predictions, { convention: read, seen, stored: seen }) ?? []);
  const gold = convention === null ? relativeBoxes(golds, width, height) : golds;
  const matches =
    predicted.length === 0 ? [] : matchBoxes(predicted, gold, { strategy: "label-first", epsilon: ANY_OVERLAP });
  return {
    gold: gold.map(drawn),
    predicted: predicted.map(drawn),
    matches: matches.map((match) => ({ gold: match.gold, predicted: match.prediction, iou: match.iou })),
  };
}
