/**
 * `point`: GUI grounding. Right if the point lies inside the gold box or on its edge, as ScreenSpot judges it
 * (Cheng et al., arXiv 2401.10935).
 *
 * The gold is a box `[x1, y1, x2, y2]`, bare, in `<answer>` tags or as a list with one `bbox_2d`. With `det_verifier_normalized` the
 * point is in pixels of the resized picture (`image_grid_thw`) and the gold in 0..1000, as for `detection`.
 */
import { finalAnswer } from "../answer/final-answer";
import { paramsError } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import type { Corners } from "../boxes/box";
import { PICTURE_SIZE_IS_MISSING, readDetectionParams } from "../detection/detection-params";
import { parseBoxes } from "../boxes/parse-boxes";
import { paramsSchema } from "../standard-schema";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { readNumbers, readPoint } from "./read-point";

/** The parameters that a point sample may carry, as a Standard Schema. */
const params = paramsSchema((value) => readDetectionParams(value));

/**
 * Makes a point verifier.
 *
 * @example createPointVerifier().verify("<answer>(15, 20)</answer>", { groundTruth: "[10, 10, 20, 30]" }) // accuracy 1
 */
export function createPointVerifier(options: ShortAnswerOptions = {}): Verifier {
  const format = formatOf(options);
  return {
    name: options.name ?? "point",
    params,
    verify: onTexts((response, sample) => verifyPoint(response, sample, format)),
  };
}

/** The point verifier with its defaults. */
export const point: Verifier = createPointVerifier();

function verifyPoint(response: string, sample: VerifierSample, format: (response: string) => number): Verdict {
  const read = readDetectionParams(sample.params);
  if (read.issues !== undefined) return paramsError(read.issues);
  const { normalized, pictureSize } = read.value;
  if (normalized && pictureSize === undefined) return paramsError([PICTURE_SIZE_IS_MISSING]);
  const gold = readGold(sample.groundTruth);
  if (gold === undefined) return { status: "skipped", reason: "gold: not one box [x1, y1, x2, y2]" };
  const found = readPoint(finalAnswer(response));
  const scored = (inside: boolean, metrics: Readonly<Record<string, number>>): Verdict => ({
    status: "scored",
    accuracy: inside ? 1 : 0,
    format: format(response),
    metrics,
  });
  if (found === undefined) return scored(false, { answered: 0 });
  const [x, y] =
    normalized && pictureSize !== undefined
      ? [(found[0] / pictureSize.width) * 1000, (found[1] / pictureSize.height) * 1000]
      : found;
  return scored(x >= gold[0] && x <= gold[2] && y >= gold[1] && y <= gold[3], { answered: 1 });
}

function readGold(groundTruth: string): Corners | undefined {
  const answer = finalAnswer(groundTruth);
  const boxes = parseBoxes(answer);
  if (boxes.length > 0) return boxes.length === 1 ? boxes[0]?.bbox : undefined;
  const [x1, y1, x2, y2, ...more] = readNumbers(answer) ?? [];
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined || more.length > 0) return undefined;
  return x1 <= x2 && y1 <= y2 ? [x1, y1, x2, y2] : undefined;
}
