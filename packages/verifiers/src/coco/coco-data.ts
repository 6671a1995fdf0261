/**
 * COCO's on-disk layout, as far as evaluation reads it; boxes are [x, y, width, height]. Further keys are left alone.
 */
import { VTriuneError, describeValue } from "@v-triune/errors";

/** An id of COCO data; numbers in all published sets. */
export type CocoId = number | string;

/** A gold box. */
export interface CocoAnnotation {
  readonly image_id: CocoId;
  readonly category_id: CocoId;
  readonly bbox: readonly number[];
  /** Area of the object's mask; decides its size class. Absent: width · height. */
  readonly area?: number;
  /** 1 for a region of many objects, which is neither a hit nor a miss. */
  readonly iscrowd?: number | boolean;
}

/** A predicted box. */
export interface CocoDetection {
  readonly image_id: CocoId;
  readonly category_id: CocoId;
  readonly bbox: readonly number[];
  readonly score: number;
}

/** A detection problem: the gold file and the results file. */
export interface CocoProblem {
  readonly images: readonly { readonly id: CocoId }[];
  readonly categories: readonly { readonly id: CocoId }[];
  readonly annotations: readonly CocoAnnotation[];
  readonly detections: readonly CocoDetection[];
}

/** Data that COCO evaluation cannot read. */
export class CocoDataError extends VTriuneError {
  override readonly name = "CocoDataError";
}

function unreadable(where: string, expected: string, value: unknown, fix?: string): CocoDataError {
  const found = typeof value === "number" ? String(value) : describeValue(value);
  return new CocoDataError({ what: "The data of a COCO evaluation cannot be used.", where, expected, found, fix });
}

/**
 * The boxes of one side as columns, grouped: those of category c and image i are
 * `order[start[c·I + i] .. start[c·I + i + 1]]`.
 */
export interface CocoBoxes {
  /** x, y, width, height, [n, 4]. */
  readonly bbox: Float64Array;
  /** Score of a detection; area of a gold box, [n]. */
  readonly value: Float64Array;
  readonly crowd: Uint8Array;
  readonly order: Int32Array;
  readonly start: Int32Array;
}

/** A problem as typed arrays. */
export interface CocoColumns {
  /** Image ids in ascending order. */
  readonly imageIds: readonly CocoId[];
  /** Category ids in ascending order; one entry, -1, when categories are pooled. */
  readonly categoryIds: readonly CocoId[];
  readonly golds: CocoBoxes;
  readonly detections: CocoBoxes;
}

/**
 * Checks a problem and turns it into columns.
 *
 * Gold boxes of images or categories that are not listed are left out, and so are detections of other categories, as
 * pycocotools does. Pooled groups run over the categories in ascending order, which decides ties.
 *
 * @throws CocoDataError for a box that is not four finite numbers, a score or area that is not finite, a detection of
 *   an unknown image
 */
export function readCocoProblem(problem: CocoProblem, useCategories: boolean): CocoColumns {
  const imageIds = uniqueSorted(problem.images.map(({ id }) => id));
  const categoryIds = uniqueSorted(problem.categories.map(({ id }) => id));
  const images = new Map(imageIds.map((id, index) => [id, index]));
  const categories = new Map(categoryIds.map((id, index) => [id, index]));
  for (const [index, { image_id: id }] of problem.detections.entries()) {
    if (!images.has(id))
      throw unreadable(
        `detections[${index}].image_id`,
        `the id of one of the ${imageIds.length} images`,
        id,
        "evaluate against the file that these results belong to",
      );
  }
  const group = (boxes: readonly (CocoAnnotation | CocoDetection)[], kind: "annotations" | "detections") =>
    groupBoxes(boxes, kind, images, categories, useCategories);
  return {
    imageIds,
    categoryIds: useCategories ? categoryIds : [-1],
    golds: group(problem.annotations, "annotations"),
    detections: group(problem.detections, "detections"),
  };
}

function uniqueSorted(ids: readonly CocoId[]): CocoId[] {
  return [...new Set(ids)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function groupBoxes(
  boxes: readonly (CocoAnnotation | CocoDetection)[],
  kind: "annotations" | "detections",
  images: ReadonlyMap<CocoId, number>,
  categories: ReadonlyMap<CocoId, number>,
  useCategories: boolean,
): CocoBoxes {
  const groups = (useCategories ? categories.size : 1) * images.size;
  const bbox = new Float64Array(boxes.length * 4);
  const value = new Float64Array(boxes.length);
  const crowd = new Uint8Array(boxes.length);
  // Sorted by (category, image) even when pooled, so that inside a pooled image the categories follow one another.
  const fine = new Int32Array(boxes.length);
  const counts = new Int32Array(categories.size * images.size + 1);
  for (const [index, box] of boxes.entries()) {
    readBox(box, `${kind}[${index}]`, bbox, index);
    const number =
      kind === "detections"
        ? (box as CocoDetection).score
        : ((box as CocoAnnotation).area ?? (bbox[index * 4 + 2] as number) * (bbox[index * 4 + 3] as number));
    if (typeof number !== "number" || !Number.isFinite(number))
      throw unreadable(`${kind}[${index}].${kind === "detections" ? "score" : "area"}`, "a finite number", number);
    value[index] = number;
    crowd[index] = "iscrowd" in box && box.iscrowd ? 1 : 0;
    const image = images.get(box.image_id);
    const category = categories.get(box.category_id);
    const key =
      image === undefined || category === undefined
        ? -1
        : useCategories
          ? category * images.size + image
          : image * categories.size + category;
    fine[index] = key;
    if (key >= 0) counts[key + 1] = (counts[key + 1] as number) + 1;
  }
  for (let key = 1; key < counts.length; key++) counts[key] = (counts[key] as number) + (counts[key - 1] as number);
  const start = useCategories
    ? counts.slice()
    : Int32Array.from({ length: groups + 1 }, (_, image) => counts[image * categories.size] as number);
  const order = new Int32Array(counts[counts.length - 1] as number);
  for (let index = 0; index < boxes.length; index++) {
    const key = fine[index] as number;
    if (key >= 0) order[counts[key] as number] = index;
    if (key >= 0) counts[key] = (counts[key] as number) + 1;
  }
  return { bbox, value, crowd, order, start };
}

function readBox({ bbox }: CocoAnnotation | CocoDetection, where: string, out: Float64Array, index: number): void {
  if (!Array.isArray(bbox) || bbox.length !== 4) throw unreadable(`${where}.bbox`, "[x, y, width, height]", bbox);
  for (let i = 0; i < 4; i++) {
    const number: unknown = bbox[i];
    if (typeof number !== "number" || !Number.isFinite(number))
      throw unreadable(`${where}.bbox[${i}]`, "a finite number", number);
    out[index * 4 + i] = number;
  }
}
