/**
 * The parameters of a detection sample, as Orsta-Data-47k's `verifier_parm` and the original `/judge` request name
 * them, plus `epsilon`, `size_penalty` and `repeats`, which state for one request what is otherwise the verifier's own
 * setting, `boxes`, `gold_boxes` and `image_sizes`, which name the box conventions of the response and of the gold
 * answer, and `report_overlap`, which asks for two more metrics (detection-reward.ts).
 */
import { BOX_CONVENTIONS, isBoxConvention, type BoxConvention, type PictureSize } from "../boxes/box-convention";
import { paramsSchema, type ParamsIssue, type ParamsResult } from "../standard-schema";
import { DEFAULT_DETECTION_RATIOS, type DetectionRatios } from "./detection-reward";
import { SIZE_PENALTIES, type SizePenalty } from "./size-penalty";

/** The IoU threshold: a number in (0, 1], the mean over eleven of them, or the schedule by training step. */
export type EpsilonParam = number | "average" | "dynamic";

/** Whether a repeat of a box costs a factor, or nothing as in the original. */
export type BoxRepeats = "charge" | "free";

/** Whether a value can be a {@link BoxRepeats}. */
export const isBoxRepeats = (value: unknown): value is BoxRepeats => value === "charge" || value === "free";

/** Parameters as the verifier reads them. */
export interface DetectionParams {
  /** Whether predictions are pixels of the resized picture while the gold is 0..1000. */
  readonly normalized: boolean;
  readonly ratios: DetectionRatios;
  /**
   * Size in pixels of the picture that the model saw: `image_grid_thw` is [[t, height, width]] with height = grid_h ·
   * 14.
   */
  readonly pictureSize?: PictureSize;
  /** Size in pixels of the picture as it is stored: `image_sizes` is [[height, width]]. */
  readonly storedSize?: PictureSize;
  /** The convention in which the response has boxes; goes before `normalized`. */
  readonly boxes?: BoxConvention;
  /** The convention in which the gold answer has boxes. */
  readonly goldBoxes?: BoxConvention;
  /** False for evaluation, which never inherits the training step's threshold. */
  readonly training: boolean;
  readonly step?: number;
  readonly totalSteps?: number;
  readonly epsilon?: EpsilonParam;
  readonly sizePenalty?: SizePenalty;
  readonly repeats?: BoxRepeats;
  /** Whether the metrics name the mean IoU and the recall at ε. */
  readonly reportOverlap: boolean;
}

/** What is wrong with parameters that ask to scale pixels and do not say how large the picture was. */
export const PICTURE_SIZE_IS_MISSING: ParamsIssue = {
  message:
    "det_verifier_normalized is true but image_grid_thw, the picture's size [[t, height, width]] in pixels, is missing",
};

/** The same for a convention that counts pixels. */
export function pictureSizeIsMissing(convention: BoxConvention): ParamsIssue {
  return {
    message:
      convention === "pixels"
        ? "boxes in pixels need image_sizes, the size [[height, width]] of the picture as it is stored"
        : "boxes in resized-pixels need image_grid_thw, the size [[t, height, width]] of the picture as the model saw it",
  };
}

const RATIO_KEYS = [
  ["iou_max_label_first", "iouMaxLabelFirst"],
  ["iou_max_iou_first", "iouMaxIouFirst"],
  ["iou_completeness", "iouCompleteness"],
  ["map", "map"],
  ["map50", "map50"],
  ["map75", "map75"],
] as const;

/**
 * Reads detection parameters. Absent and null leaves take their defaults; unknown keys are left alone.
 *
 * @param value a sample's `params`
 * @param options `compat`: a missing ratio and one outside [0, 1] count 0 as in the original, instead of the default
 * and an issue
 */
export function readDetectionParams(
  value: unknown,
  options: { readonly compat?: boolean } = {},
): ParamsResult<DetectionParams> {
  if (value !== undefined && value !== null && (typeof value !== "object" || Array.isArray(value))) {
    return { issues: [{ message: `params: an object expected, found ${describe(value)}` }] };
  }
  const params = (value ?? {}) as Record<string, unknown>;
  const issues: ParamsIssue[] = [];
  const report = (path: readonly PropertyKey[], expected: string, found: unknown) =>
    void issues.push({ path, message: `${path.join(".")}: ${expected} expected, found ${describe(found)}` });

  const optional = <T>(key: string, expected: string, accept: (found: unknown) => found is T): T | undefined => {
    const found = params[key];
    if (found === undefined || found === null) return undefined;
    if (accept(found)) return found;
    report([key], expected, found);
    return undefined;
  };
  const isBoolean = (found: unknown) => typeof found === "boolean";
  const normalized = optional("det_verifier_normalized", "true or false", isBoolean) ?? false;
  const training = optional("is_training", "true or false", isBoolean) ?? true;
  const step = optional(
    "step",
    "a number of at least 0",
    (found): found is number => typeof found === "number" && found >= 0 && Number.isFinite(found),
  );
  const totalSteps = optional(
    "total_steps",
    "a number above 0",
    (found): found is number => typeof found === "number" && found > 0 && Number.isFinite(found),
  );
  const epsilon = optional("epsilon", '"average", "dynamic" or a number in (0, 1]', isEpsilon);
  const sizePenalty = optional("size_penalty", `one of ${SIZE_PENALTIES.join(", ")}`, (found): found is SizePenalty =>
    SIZE_PENALTIES.includes(found as SizePenalty),
  );
  const repeats = optional("repeats", "charge or free", isBoxRepeats);
  const reportOverlap = optional("report_overlap", "true or false", isBoolean) ?? false;
  const ratios = readRatios(params["det_reward_ratio"], options.compat ?? false, report);
  const convention = `one of ${BOX_CONVENTIONS.join(", ")}`;
  const boxes = optional("boxes", convention, isBoxConvention);
  const goldBoxes = optional("gold_boxes", convention, isBoxConvention);
  const needs = (name: BoxConvention): boolean => boxes === name || goldBoxes === name;
  const pictureSize =
    normalized || needs("resized-pixels")
      ? readPictureSize("image_grid_thw", params["image_grid_thw"], report)
      : undefined;
  const storedSize = needs("pixels") ? readPictureSize("image_sizes", params["image_sizes"], report) : undefined;
  if (issues.length > 0) return { issues };
  return {
    value: {
      normalized,
      ratios,
      training,
      reportOverlap,
      ...(pictureSize !== undefined && { pictureSize }),
      ...(storedSize !== undefined && { storedSize }),
      ...(boxes !== undefined && { boxes }),
      ...(goldBoxes !== undefined && { goldBoxes }),
      ...(step !== undefined && { step }),
      ...(totalSteps !== undefined && { totalSteps }),
      ...(epsilon !== undefined && { epsilon }),
      ...(sizePenalty !== undefined && { sizePenalty }),
      ...(repeats !== undefined && { repeats }),
    },
  };
}

/** The same as a Standard Schema, for a run that checks its samples before it starts. */
export const detectionParamsSchema = paramsSchema((value) => readDetectionParams(value));

/** Whether a value can be an {@link EpsilonParam}. */
export function isEpsilon(value: unknown): value is EpsilonParam {
  return value === "average" || value === "dynamic" || (typeof value === "number" && value > 0 && value <= 1);
}

type Report = (path: readonly PropertyKey[], expected: string, found: unknown) => void;

function readRatios(value: unknown, compat: boolean, report: Report): DetectionRatios {
  const given = value ?? {};
  // In the original an absent entry is an empty dict, but null ends in an exception.
  if (typeof given !== "object" || Array.isArray(given) || (compat && value === null)) {
    report(["det_reward_ratio"], "an object of six numbers", value);
    return DEFAULT_DETECTION_RATIOS;
  }
  const leaves = given as Record<string, unknown>;
  const present = RATIO_KEYS.some(([key]) => leaves[key] !== undefined && leaves[key] !== null);
  if (!present && !compat) return DEFAULT_DETECTION_RATIOS;
  const ratios: Record<string, number> = {};
  for (const [key, name] of RATIO_KEYS) {
    const found = leaves[key];
    ratios[name] = 0;
    if (found === undefined || (found === null && !compat)) continue;
    if (typeof found !== "number" || (!compat && !(found >= 0 && found <= 1)))
      report(["det_reward_ratio", key], "a number in [0, 1]", found);
    else if (found >= 0 && found <= 1) ratios[name] = found;
  }
  const read = ratios as unknown as DetectionRatios;
  if (!compat && read.iouMaxIouFirst + read.iouMaxLabelFirst + read.map + read.map50 + read.map75 === 0) {
    report(
      ["det_reward_ratio"],
      "at least one of iou_max_label_first, iou_max_iou_first, map, map50, map75 above 0",
      leaves,
    );
  }
  return read;
}

function readPictureSize(
  key: "image_grid_thw" | "image_sizes",
  sizes: unknown,
  report: Report,
): PictureSize | undefined {
  const first: unknown = Array.isArray(sizes) ? sizes[0] : undefined;
  if (first === undefined) return undefined;
  const numbers = Array.isArray(first) ? (first as unknown[]) : [];
  const [height, width] = key === "image_sizes" ? numbers : numbers.slice(1);
  if (
    typeof height === "number" &&
    typeof width === "number" &&
    height > 0 &&
    width > 0 &&
    Number.isFinite(height * width)
  )
    return { width, height };
  report([key, 0], `[${key === "image_sizes" ? "" : "t, "}height, width] in pixels, above 0`, first);
  return undefined;
}

function describe(value: unknown): string {
  const text =
    typeof value === "string"
      ? JSON.stringify(value)
      : typeof value === "object" && value !== null
        ? (JSON.stringify(value) ?? "an object")
        : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
