import type { RewardSource } from "@v-triune/rewards";
import type { IouEpsilon, RewardConfig } from "../config/training-config";
import type { CollectOptions } from "../../rollouts/collect-rollouts";
import type { LoadedModel } from "../model/load-model";
import { createLocalEngine } from "../../rollouts/local-engine";
import type { RolloutEngine } from "../../rollouts/rollout-engine";

export interface CollectingOptions {
  readonly model: LoadedModel;
  /** What answers; the model itself unless told. */
  readonly engine?: RolloutEngine | undefined;
  readonly rewards: RewardSource;
  /** The IoU threshold of the moment. */
  readonly epsilon: IouEpsilon;
  readonly training: boolean;
  readonly ratios: Pick<RewardConfig, "accuracyRatio" | "formatRatio">;
}

/** What `collectRollouts` needs besides the request: this engine answers, this source judges. */
export function collecting({
  model,
  engine,
  rewards,
  epsilon,
  training,
  ratios,
}: CollectingOptions): Omit<CollectOptions, "request" | "onProgress"> {
  const { processor, policy } = model;
  return {
    engine: engine ?? createLocalEngine(policy),
    rewards,
    context: { epsilon, training, patchSize: processor.imageProcessor.settings.patchSize, ratios },
    decode: (ids) => processor.decode(ids, { skipSpecialTokens: true }),
    placeholders: new Set([
      processor.imageTokenId,
      ...(processor.videoTokenId === undefined ? [] : [processor.videoTokenId]),
    ]),
  };
}
