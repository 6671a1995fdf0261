/** In which convention the trained model writes boxes, and what repeated boxes cost. */
import { familyOf } from "@v-triune/policy";
import type { BoxNaming } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import type { ModelParts } from "./load-model";

/** The convention of the model's family, and the configuration's, which goes before it. */
export function modelBoxes(
  { reward }: Pick<TrainingConfig, "reward">,
  { policy }: Pick<ModelParts, "policy">,
): BoxNaming {
  return {
    override: reward.boxes ?? null,
    model: familyOf(policy.config).boxConvention,
    repeats: reward.repeatedBoxes ?? "free",
  };
}
