/**
 * NMS-AP (OVDEval, arXiv 2308.13177; numbers as om-ai-lab/OVDEval eval.py @ 40c12fe): average precision after thinning
 * out. An open-vocabulary model can name one object twice, "computer with screen on" and "computer with screen off",
 * and still have full AP. So for each gold box, of all predictions of any label with IoU > threshold only the best
 * scored one stays; a prediction that is the best of another gold box stays too. Among equal scores the later one
 * stays, as numpy's argsort reversed leaves it.
 */
import type { CocoAnnotation, CocoDetection, CocoId, CocoProblem } from "./coco-data";
import { evaluateCoco, type CocoEvaluation, type CocoOptions } from "./coco-evaluation";
import { cornerSizeIou } from "../boxes/corner-size-iou";

/**
 * The detections that are left after thinning out.
 *
 * @param threshold IoU above which predictions compete for a gold box. Default 0.5
 */
export function suppressByGold(
  annotations: readonly CocoAnnotation[],
  detections: readonly CocoDetection[],
  threshold = 0.5,
): CocoDetection[] {
  const golds = groupByImage(annotations);
  const kept = new Set<CocoDetection>();
  const removed = new Set<CocoDetection>();
  for (const [image, predictions] of groupByImage(detections)) {
    for (const gold of golds.get(image) ?? []) {
      const rivals = predictions.filter((prediction) => iou(gold, prediction) > threshold);
      const best = rivals.reduce<CocoDetection | undefined>(
        (winner, rival) => (winner === undefined || rival.score >= winner.score ? rival : winner),
        undefined,
      );
      if (best === undefined) continue;
      kept.add(best);
      for (const rival of rivals) if (rival !== best) removed.add(rival);
    }
  }
  return detections.filter((detection) => kept.has(detection) || !removed.has(detection));
}

/**
 * COCO evaluation of what {@link suppressByGold} leaves.
 *
 * @throws CocoDataError and RangeError as evaluateCoco does
 */
export function evaluateNmsAp(
  problem: CocoProblem,
  options: CocoOptions & { readonly suppressionThreshold?: number } = {},
): CocoEvaluation {
  const { suppressionThreshold = 0.5, ...rest } = options;
  return evaluateCoco(
    { ...problem, detections: suppressByGold(problem.annotations, problem.detections, suppressionThreshold) },
    rest,
  );
}

function groupByImage<T extends { readonly image_id: CocoId }>(boxes: readonly T[]): Map<CocoId, T[]> {
  const groups = new Map<CocoId, T[]>();
  for (const box of boxes) {
    const group = groups.get(box.image_id);
    if (group === undefined) groups.set(box.image_id, [box]);
    else group.push(box);
  }
  return groups;
}

function iou({ bbox: a }: CocoAnnotation, { bbox: b }: CocoDetection): number {
  return cornerSizeIou(b, 0, a, 0, false);
}
