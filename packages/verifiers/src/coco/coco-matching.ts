import type { AreaRange } from "./coco-cells";
import type { CocoColumns } from "./coco-data";
import { cornerSizeIou } from "../boxes/corner-size-iou";

/** The outcome of a detection that counts neither way. */
export const IGNORED = 2;

/** The detections of one category that take part: by image, best score first, cut at the largest limit. */
export interface Selection {
  /** Index into the detection columns. */
  readonly index: Int32Array;
  /** Place inside its image, from 0. */
  readonly rank: Int32Array;
  /** Where each image starts, [I + 1]. */
  readonly start: Int32Array;
}

/**
 * COCO's greedy matching of one category (pycocotools 2.0.11, evaluateImg): detections by falling score each take the
 * gold box with the highest IoU ≥ min(t, 1 − 1e-10) that is still free; among equals the later gold box. Gold boxes
 * that are ignored (a crowd, or outside the area range) are looked at last and only when no counted one fits; a crowd
 * may be taken many times. A detection without a match outside the area range is ignored too.
 */
export class CocoCategoryMatcher {
  /** For each threshold and selected detection: 1 a hit, 0 a false alarm, 2 ignored. [T, selection] */
  readonly outcomes: Uint8Array;
  /** IoU of the selected detections with the gold boxes of their image, detection-major, image after image. */
  readonly #ious: Float64Array;
  readonly #imageOffset: Int32Array;
  readonly #detectionArea: Float64Array;

  readonly #columns: CocoColumns;
  readonly #category: number;
  readonly #selection: Selection;
  readonly #thresholds: Float64Array;

  constructor(columns: CocoColumns, category: number, selection: Selection, thresholds: Float64Array) {
    this.#columns = columns;
    this.#category = category;
    this.#selection = selection;
    this.#thresholds = thresholds;

    const { golds, detections } = columns;
    const count = selection.index.length;
    const I = columns.imageIds.length;
    this.outcomes = new Uint8Array(thresholds.length * count);
    this.#imageOffset = new Int32Array(I + 1);
    for (let i = 0; i < I; i++) {
      const pairs = this.#detectionsIn(i) * this.#goldsIn(i);
      this.#imageOffset[i + 1] = (this.#imageOffset[i] as number) + pairs;
    }
    this.#ious = new Float64Array(this.#imageOffset[I] as number);
    this.#detectionArea = Float64Array.from(
      selection.index,
      (index) => (detections.bbox[index * 4 + 2] as number) * (detections.bbox[index * 4 + 3] as number),
    );
    let at = 0;
    for (let i = 0; i < I; i++) {
      const first = golds.start[category * I + i] as number;
      const last = golds.start[category * I + i + 1] as number;
      for (let d = selection.start[i] as number; d < (selection.start[i + 1] as number); d++) {
        const a = (selection.index[d] as number) * 4;
        for (let g = first; g < last; g++) {
          const gold = golds.order[g] as number;
          this.#ious[at++] = cornerSizeIou(detections.bbox, a, golds.bbox, gold * 4, golds.crowd[gold] === 1);
        }
      }
    }
  }

  /**
   * Matches at every threshold and writes `outcomes`.
   *
   * @returns the number of gold boxes that count in this area range
   */
  match(area: AreaRange): number {
    let positives = 0;
    for (let i = 0; i < this.#columns.imageIds.length; i++) positives += this.#matchImage(i, area);
    return positives;
  }

  #detectionsIn(image: number): number {
    return (this.#selection.start[image + 1] as number) - (this.#selection.start[image] as number);
  }

  #goldsIn(image: number): number {
    const { start } = this.#columns.golds;
    const at = this.#category * this.#columns.imageIds.length + image;
    return (start[at + 1] as number) - (start[at] as number);
  }

  #matchImage(image: number, area: AreaRange): number {
    const { golds } = this.#columns;
    const G = this.#goldsIn(image);
    const firstGold = golds.start[this.#category * this.#columns.imageIds.length + image] as number;
    // Counted gold boxes first, ignored ones after, each in their own order.
    const counted: number[] = [];
    const ignored: number[] = [];
    for (let g = 0; g < G; g++) {
      const gold = golds.order[firstGold + g] as number;
      const size = golds.value[gold] as number;
      (golds.crowd[gold] === 1 || size < area.from || size > area.to ? ignored : counted).push(g);
    }
    const D = this.#detectionsIn(image);
    if (D === 0) return counted.length;
    const sequence = counted.concat(ignored);
    const crowd = sequence.map((g) => golds.crowd[golds.order[firstGold + g] as number] === 1);
    const taken = new Uint8Array(G);
    const total = this.#selection.index.length;
    const firstDetection = this.#selection.start[image] as number;
    const offset = this.#imageOffset[image] as number;
    for (let t = 0; t < this.#thresholds.length; t++) {
      taken.fill(0);
      const threshold = Math.min(this.#thresholds[t] as number, 1 - 1e-10);
      for (let d = 0; d < D; d++) {
        let bestIou = threshold;
        let best = -1;
        for (let s = 0; s < G; s++) {
          if (taken[s] === 1 && !crowd[s]) continue;
          if (best !== -1 && best < counted.length && s >= counted.length) break;
          const iou = this.#ious[offset + d * G + (sequence[s] as number)] as number;
          if (iou < bestIou) continue;
          bestIou = iou;
          best = s;
        }
        if (best !== -1) taken[best] = 1;
        const size = this.#detectionArea[firstDetection + d] as number;
        const isIgnored = best === -1 ? size < area.from || size > area.to : best >= counted.length;
        this.outcomes[t * total + firstDetection + d] = isIgnored ? IGNORED : best === -1 ? 0 : 1;
      }
    }
    return counted.length;
  }
}
