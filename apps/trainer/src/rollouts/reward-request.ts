/** What the reward source is asked about a rollout: the sample's own definition, and what the run adds to it. */
import type { RewardRequest } from "@v-triune/rewards";
import type { RewardConfig, IouEpsilon } from "../training/config/training-config";
import { type PreparedPrompt, seenSizes } from "./prepared-prompt";

export interface RewardContext {
  /** The IoU threshold now: of the schedule's stage in training, of its own in evaluation. */
  readonly epsilon: IouEpsilon;
  readonly training: boolean;
  readonly patchSize: number;
  /** The run's replacements of the samples' ratios. */
  readonly ratios: Pick<RewardConfig, "accuracyRatio" | "formatRatio">;
}

export function rewardRequest(prompt: PreparedPrompt, response: string, context: RewardContext): RewardRequest {
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
        is_training: context.training,
        epsilon: context.epsilon,
        image_grid_thw: seenSizes(prompt, context.patchSize),
        image_path: extra.image_path,
      },
    },
    accuracyRatio: context.ratios.accuracyRatio ?? reward.accuracy_ratio,
    formatRatio: context.ratios.formatRatio ?? reward.format_ratio,
  };
}
