/**
 * IoU of two boxes given as x, y, width, height (pycocotools 2.0.11, maskApi.c bbIou). Against a crowd region the union is the
 * detection's own area: how much of the detection lies in the crowd.
 *
 * @param crowd whether the second box, the gold one, is a crowd region
 */
export function cornerSizeIou(
  ax: number,
  ay: number,
  aw: number,
  ah: number,
  bx: number,
  by: number,
  bw: number,
  bh: number,
  crowd: boolean,
): number {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  if (!(width > 0)) return 0;
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  if (!(height > 0)) return 0;
  const intersection = width * height;
  return intersection / (crowd ? aw * ah : aw * ah + bw * bh - intersection);
}
