/** Corners of a box in the picture's own units: [x1, y1, x2, y2] with x1 ≤ x2 and y1 ≤ y2. */
export type Corners = readonly [x1: number, y1: number, x2: number, y2: number];

/** One labeled box. */
export interface Box {
  /** Corners, in pixels or 0..1000 relative to the picture. */
  readonly bbox: Corners;
  /** The category, lowercased. */
  readonly label: string;
}

/**
 * Intersection over union of two boxes.
 *
 * @returns a number in [0, 1]; 0 for boxes that only touch and for boxes without area
 */
export function boxIou(a: Corners, b: Corners): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const intersection = width * height;
  const union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection;
  return intersection / union;
}

/**
 * Scales boxes from pixels of the picture that the model saw to 0..1000, truncated to integers (V-Triune's
 * `det_verifier_normalized`). Truncation can make two boxes equal; they stay two.
 *
 * @param width the resized picture's width in pixels (grid_w · 14)
 * @param height its height in pixels (grid_h · 14)
 */
export function relativeBoxes(boxes: readonly Box[], width: number, height: number): Box[] {
  const x = (value: number) => Math.trunc((value / width) * 1000);
  const y = (value: number) => Math.trunc((value / height) * 1000);
  return boxes.map(({ bbox, label }) => ({ bbox: [x(bbox[0]), y(bbox[1]), x(bbox[2]), y(bbox[3])], label }));
}
