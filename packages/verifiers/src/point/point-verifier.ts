/**
 * `point`: GUI grounding. Right if the point lies inside the gold box or on its edge, as ScreenSpot judges it
 * (Cheng et al., arXiv 2401.10935). Where the answer stands is found as for `answer`, never in the thought.
 *
 * The gold is a box `[x1, y1, x2, y2]`, bare, in `<answer>` tags or as a list with one `bbox_2d`. The parameters
 * `boxes`, `gold_boxes` and `det_verifier_normalized` say in which convention the point and the gold are, as for
 * `detection`.
 */
import { goldText } from "../answer/gold-text";
import { locate } from "../answer/locate/locate";
import { paramsError } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import type { Corners } from "../boxes/box";
import { farCorner, thousandthsOf, type BoxFrame } from "../boxes/box-convention";
import { OTHER_BOX_CONVENTION, likelyConvention } from "../boxes/other-convention";
import { boxFrames, yFirstIn } from "../detection/box-scales";
import { PICTURE_SIZE_IS_MISSING, pictureSizeIsMissing, readDetectionParams } from "../detection/detection-params";
import { parseBoxes } from "../boxes/parse-boxes";
import { paramsSchema } from "../standard-schema";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { type Point, readNumbers, readPoints } from "./read-point";

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
  const frames = boxFrames(read.value);
  const goldCorner = frames && farCorner(frames.gold);
  const corner = frames && farCorner(frames.response);
  if (frames !== undefined && goldCorner === undefined)
    return paramsError([pictureSizeIsMissing(frames.gold.convention)]);
  if (frames !== undefined && corner === undefined)
    return paramsError([
      read.value.boxes === undefined ? PICTURE_SIZE_IS_MISSING : pictureSizeIsMissing(frames.response.convention),
    ]);
  const gold = readGold(sample.groundTruth, frames?.gold);
  if (gold === undefined) return { status: "skipped", reason: "gold: not one box [x1, y1, x2, y2]" };
  const found = pointedAt(response, yFirstIn(frames?.response));
  const scored = (inside: boolean, metrics: Readonly<Record<string, number>>): Verdict => ({
    status: "scored",
    accuracy: inside ? 1 : 0,
    format: format(response),
    metrics,
  });
  if (found === undefined) return scored(false, { answered: 0 });
  const [x, y] = corner === undefined ? found : thousandthsOf(...found, corner);
  const isDoubtful =
    frames !== undefined && likelyConvention([{ bbox: [...found, ...found], label: "" }], frames.response);
  return scored(x >= gold[0] && x <= gold[2] && y >= gold[1] && y <= gold[3], {
    answered: 1,
    ...(isDoubtful && { [OTHER_BOX_CONVENTION]: 1 }),
  });
}

/** The one point at the first place of the response that names any. */
function pointedAt(response: string, yFirst: boolean): Point | undefined {
  for (const { text } of locate(response).places) {
    const points = readPoints(text, { yFirst });
    if (points.length > 0) return points.length === 1 ? points[0] : undefined;
  }
  return undefined;
}

/** The gold box: in thousandths if there is a frame, else as it is written. */
function readGold(groundTruth: string, frame: BoxFrame | undefined): Corners | undefined {
  const written = readGoldBox(groundTruth, yFirstIn(frame));
  const corner = frame && farCorner(frame);
  if (written === undefined || corner === undefined) return written;
  const [x1, y1, x2, y2] = written;
  return [...thousandthsOf(x1, y1, corner), ...thousandthsOf(x2, y2, corner)];
}

function readGoldBox(groundTruth: string, yFirst: boolean): Corners | undefined {
  const answer = goldText(groundTruth);
  const boxes = parseBoxes(answer, { yFirst });
  if (boxes.length > 0) return boxes.length === 1 ? boxes[0]?.bbox : undefined;
  const [a, b, c, d, ...more] = readNumbers(answer) ?? [];
  const [x1, y1, x2, y2] = yFirst ? [b, a, d, c] : [a, b, c, d];
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined || more.length > 0) return undefined;
  return x1 <= x2 && y1 <= y2 ? [x1, y1, x2, y2] : undefined;
}
