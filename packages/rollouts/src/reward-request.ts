/** What the reward source is asked about a rollout: the sample's own definition, and what the run adds to it. */
import type { RewardRequest } from "@v-triune/rewards";
import type { Sample } from "@v-triune/schema";
import type { IouEpsilon } from "@v-triune/verifiers";
import { type BoxNaming, boxParameters } from "./box-naming";
import { type PreparedPrompt, seenSizes } from "./prepared-prompt";

/** What replaces every sample's own ratio; null leaves the samples' own. */
export interface RewardRatios {
  readonly accuracyRatio: number | null;
  readonly formatRatio: number | null;
}

/** How answers are judged, besides what their samples define. */
export interface JudgingContext {
  /** The IoU threshold now, of all samples or of each: the schedule's in training, another one in evaluation. */
  readonly epsilon: IouEpsilon | ((sample: Sample) => IouEpsilon);
  /** Whether verdicts of boxes say how far they overlap. Default false. */
  readonly reportOverlap?: boolean;
  readonly training: boolean;
  readonly ratios: RewardRatios;
  /** In which convention boxes are read. Default: what each sample says. */
  readonly boxes?: BoxNaming;
}

/** @param patchSize of the image processor, in pixels */
export function rewardRequest(
  prompt: PreparedPrompt,
  response: string,
  context: JudgingContext,
  patchSize: number,
): RewardRequest {
  const { reward_model: reward, prompt: messages, data_source: dataSource, extra_info: extra } = prompt.sample;
  return {
    response,
    verifier: reward.verifier,
    sample: {
      groundTruth: reward.ground_truth,
      prompt: messages.map(({ content }) => content).join("\n"),
      dataSource,
      params: {
        ...reward.verifier_parm,
        ...boxParameters(prompt.sample, context.boxes),
        is_training: context.training,
        epsilon: typeof context.epsilon === "function" ? context.epsilon(prompt.sample) : context.epsilon,
        ...(context.reportOverlap && { report_overlap: true }),
        image_grid_thw: seenSizes(prompt, patchSize),
        image_path: extra.image_path,
      },
    },
    accuracyRatio: context.ratios.accuracyRatio ?? reward.accuracy_ratio,
    formatRatio: context.ratios.formatRatio ?? reward.format_ratio,
  };
}
