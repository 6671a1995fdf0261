/**
 * A sample of the corpus: a prompt, its pictures and its own reward definition (arXiv 2505.18129, "sample-level data
 * formatting"). The layout is that of Orsta-Data-47k.
 *
 * Names are the on-disk ones (snake_case) in memory too: a sample is a record that other tools read and write, and one
 * spelling means that an error, a Parquet viewer and a debugger all show the same field. `verifier_parm` is spelled as
 * Orsta spells it.
 */

/** A picture: encoded bytes (PNG, JPEG, ..), or the path it can be read from, or both. */
export interface SampleImage {
  bytes: Uint8Array | null;
  path: string | null;
}

/** One turn of the prompt; `<image>` in `content` marks the place of a picture. */
export interface PromptMessage {
  content: string;
  role: string;
}

/** Weights of the detection reward's parts. All null in samples of another verifier. */
export interface DetRewardRatio {
  iou_max_label_first: number | null;
  iou_max_iou_first: number | null;
  iou_completeness: number | null;
  map: number | null;
  map50: number | null;
  map75: number | null;
}

/** Parameters of the verifier. All null in samples whose verifier needs none. */
export interface VerifierParm {
  /**
   * Gold boxes are 0..1000 relative to the picture; predictions, in pixels of the resized picture, are scaled to that.
   */
  det_verifier_normalized: boolean | null;
  det_reward_ratio: DetRewardRatio;
  /**
   * For `answer`: what the gold answer is, where its form does not say: "code", "tuple", .. Orsta's files do not have
   * it.
   */
  type?: string | null;
  /** For `answer`: the texts of the options, A first. Orsta's files do not have it. */
  choices?: string[] | null;
  /**
   * For `detection` in training: the IoU from which a box counts, by share of the steps; goes before the run's own
   * schedule. Orsta's files do not have it.
   */
  iou_schedule?: IouScheduleStage[] | null;
  /**
   * Where the answer is: boxes [x1, y1, x2, y2] in thousandths of the first picture. Crops are compared with them, and
   * a teacher may see them alone. Orsta's files do not have it.
   */
  look_at?: number[][] | null;
  /** Weights of the rewards for tools, in place of the run's own. Orsta's files do not have it. */
  tool_reward?: ToolRewardWeights | null;
  /**
   * For `judge`: what the response is judged by, in place of the judge's own criteria. Orsta's files do not have it.
   */
  rubric?: RubricCriterion[] | null;
}

/** One criterion of a rubric; a weight that is left out is 1. */
export interface RubricCriterion {
  criterion: string;
  weight?: number | null;
}

/** A sample's own `reward.tools`; what is left out is the run's. */
export interface ToolRewardWeights {
  whenRight?: number | null;
  curiosity?: number | null;
  curiosityTarget?: number | null;
  faithfulness?: number | null;
  faithfulnessBy?: "iou" | "containment" | null;
  callCost?: number | null;
}

/** One stage of a sample's own IoU schedule: `epsilon` holds while step / total steps ≤ `until`. */
export interface IouScheduleStage {
  until: number;
  epsilon: number;
}

/** How a sample is rewarded: R = (α_acc·R_acc + α_fmt·R_fmt) / (α_acc + α_fmt), with these two ratios. */
export interface RewardModel {
  /** The bare answer, for people; the verifier reads `ground_truth`. */
  answer: string | null;
  /** `\boxed{..}` for mathverify; `<answer>\n[{'bbox_2d': [..], 'label': '..'}]\n</answer>` for detection. */
  ground_truth: string;
  accuracy_ratio: number;
  format_ratio: number;
  /** Name of the verifier: one of `KNOWN_VERIFIERS`, or a custom one. */
  verifier: string;
  verifier_parm: VerifierParm;
}

/** Where a sample comes from in its owner's files. */
export interface ExtraInfo {
  id: string | null;
  image_path: string | null;
  /** What curation found out about the sample, such as `blind-solvable`. Orsta's files do not have it. */
  tags?: string[] | null;
}

/** One row of the corpus. */
export interface Sample {
  data_source: string;
  images: SampleImage[];
  prompt: PromptMessage[];
  /** `math`, `cv_detection`, ..; informative only. */
  ability: string | null;
  reward_model: RewardModel;
  extra_info: ExtraInfo;
}

/** The six leaves of `det_reward_ratio`, in on-disk order. */
export const DET_RATIO_KEYS = [
  "iou_max_label_first",
  "iou_max_iou_first",
  "iou_completeness",
  "map",
  "map50",
  "map75",
] as const satisfies readonly (keyof DetRewardRatio)[];

/** Top-level columns of a sample, in on-disk order. */
export const SAMPLE_COLUMNS = ["data_source", "images", "prompt", "ability", "reward_model", "extra_info"] as const;
export type SampleColumn = (typeof SAMPLE_COLUMNS)[number];

/** A verifier without parameters: every leaf null, as Orsta writes it for mathverify. */
export function emptyVerifierParm(): VerifierParm {
  return {
    det_verifier_normalized: null,
    det_reward_ratio: {
      iou_max_label_first: null,
      iou_max_iou_first: null,
      iou_completeness: null,
      map: null,
      map50: null,
      map75: null,
    },
  };
}

/** Orsta's detection parameters: label first 1.0, completeness 0.3, the rest 0, boxes relative to the picture. */
export function detectionVerifierParm(ratios: Partial<Record<keyof DetRewardRatio, number>> = {}): VerifierParm {
  return {
    det_verifier_normalized: true,
    det_reward_ratio: {
      iou_max_label_first: 1.0,
      iou_max_iou_first: 0.0,
      iou_completeness: 0.3,
      map: 0.0,
      map50: 0.0,
      map75: 0.0,
      ...ratios,
    },
  };
}
