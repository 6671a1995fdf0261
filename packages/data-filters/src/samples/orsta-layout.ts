/** The layout of a corpus file as a tree, by which files are read. */
import { DET_RATIO_KEYS } from "@v-triune/schema";

/** One node of the layout: a leaf, a record or a list. A file that lacks a `required` node cannot be used. */
export type LayoutNode =
  | {
      readonly leaf: "text" | "number" | "boolean" | "bytes";
      readonly required?: true;
      /** Text that may be written as a number with a fraction: pandas makes one of ids when a row has none. */
      readonly isId?: true;
    }
  | { readonly record: Readonly<Record<string, LayoutNode>>; readonly required?: true }
  | { readonly list: LayoutNode; readonly required?: true };

const text: LayoutNode = { leaf: "text" };
const number: LayoutNode = { leaf: "number" };

/** The columns of Orsta-Data-47k. */
export const ORSTA_LAYOUT: Readonly<Record<string, LayoutNode>> = {
  data_source: { ...text, required: true },
  images: { list: { record: { bytes: { leaf: "bytes" }, path: text } } },
  prompt: {
    list: { record: { content: { ...text, required: true }, role: { ...text, required: true } } },
    required: true,
  },
  ability: text,
  reward_model: {
    required: true,
    record: {
      answer: text,
      ground_truth: { ...text, required: true },
      accuracy_ratio: number,
      format_ratio: number,
      verifier: { ...text, required: true },
      verifier_parm: {
        record: {
          det_verifier_normalized: { leaf: "boolean" },
          det_reward_ratio: { record: Object.fromEntries(DET_RATIO_KEYS.map((key) => [key, number])) },
        },
      },
    },
  },
  extra_info: { record: { id: { ...text, isId: true }, image_path: text } },
};

const TOOL_REWARD: LayoutNode = {
  record: {
    whenRight: number,
    curiosity: number,
    curiosityTarget: number,
    faithfulness: number,
    faithfulnessBy: text,
    callCost: number,
  },
};

/** Leaves that Orsta's files do not have. */
export interface FurtherLeaves {
  /** `reward_model.verifier_parm.type` and `.choices`, the parameters of `answer`. */
  readonly answerParameters?: boolean | undefined;
  /** `reward_model.verifier_parm.iou_schedule`, a detection sample's own IoU thresholds. */
  readonly iouSchedules?: boolean | undefined;
  /** `reward_model.verifier_parm.look_at` and `.tool_reward`, for answers that use tools. */
  readonly toolParameters?: boolean | undefined;
  /** `reward_model.verifier_parm.rubric`, a sample's own criteria for `judge`. */
  readonly rubrics?: boolean | undefined;
  /** `extra_info.tags`. */
  readonly tags?: boolean | undefined;
}

/** Orsta's columns, with further leaves if they are asked for. */
export function layoutWith({
  answerParameters = false,
  iouSchedules = false,
  toolParameters = false,
  rubrics = false,
  tags = false,
}: FurtherLeaves): typeof ORSTA_LAYOUT {
  const { reward_model: reward, extra_info: extra } = ORSTA_LAYOUT as Record<"reward_model" | "extra_info", LayoutNode>;
  const parameters = {
    ...(answerParameters ? { type: text, choices: { list: text } } : {}),
    ...(iouSchedules ? { iou_schedule: { list: { record: { until: number, epsilon: number } } } } : {}),
    ...(toolParameters ? { look_at: { list: { list: number } }, tool_reward: TOOL_REWARD } : {}),
    ...(rubrics ? { rubric: { list: { record: { criterion: text, weight: number } } } } : {}),
  };
  return {
    ...ORSTA_LAYOUT,
    ...(Object.keys(parameters).length > 0
      ? {
          reward_model: withLeaves(reward, {
            verifier_parm: withLeaves(recordOf(reward)["verifier_parm"]!, parameters),
          }),
        }
      : {}),
    ...(tags ? { extra_info: withLeaves(extra, { tags: { list: text } }) } : {}),
  };
}

/** All columns that are read. */
export const FULL_LAYOUT: typeof ORSTA_LAYOUT = layoutWith({
  answerParameters: true,
  iouSchedules: true,
  toolParameters: true,
  rubrics: true,
  tags: true,
});

function recordOf(node: LayoutNode): Readonly<Record<string, LayoutNode>> {
  return "record" in node ? node.record : {};
}

function withLeaves(node: LayoutNode, leaves: Readonly<Record<string, LayoutNode>>): LayoutNode {
  return { ...node, record: { ...recordOf(node), ...leaves } } as LayoutNode;
}
