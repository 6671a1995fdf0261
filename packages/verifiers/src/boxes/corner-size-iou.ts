/**
 * IoU of two boxes given as x, y, width, height (pycocotools 2.0.11, maskApi.c bbIou). Against a crowd region the union
 * is the detection's own area: the share of the detection that lies in the crowd.
 */

/** Boxes one after another, four numbers each: x, y, width, height. */
export type CornerSizes = ArrayLike<number>;

/**
 * @param detections the detection's four numbers start at `detection`
 * @param golds the gold box's four numbers start at `gold`
 * @param isCrowd whether the gold box is a crowd region
 */
export function cornerSizeIou(
  detections: CornerSizes,
  detection: number,
  golds: CornerSizes,
  gold: number,
  isCrowd: boolean,
): number {
  const ax = detections[detection] as number;
  const aw = detections[detection + 2] as number;
  const bx = golds[gold] as number;
  const bw = golds[gold + 2] as number;
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  if (!(width > 0)) return 0;
  const ay = detections[detection + 1] as number;
  const ah = detections[detection + 3] as number;
  const by = golds[gold + 1] as number;
  const bh = golds[gold + 3] as number;
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  if (!(height > 0)) return 0;
  const intersection = width * height;
  return intersection / (isCrowd ? aw * ah : aw * ah + bw * bh - intersection);
}
