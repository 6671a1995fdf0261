/**
 * Starting points by name. Each lists only where it differs from the defaults, which are the paper's on-policy recipe.
 */
import type { TrainingConfigInput } from "./training-config-schema";
import type { PresetName } from "./training-config";

type Preset = Partial<Omit<TrainingConfigInput, "preset" | "model" | "data">>;

export const presets: Readonly<Record<PresetName, Preset>> = {
  /** arXiv 2505.18129: one update a step with all rollouts, lr 1e-6. */
  "v-triune-on-policy": {},
  /** arXiv 2505.18129: eight updates a step of 128 prompts each, and half the learning rate. */
  "v-triune-off-policy": { optimizer: { lr: 5e-7 }, update: { miniBatch: 128 } },
  /**
   * arXiv 2503.14476: dynamic sampling, soft overlong punishment, clip-higher, 16 updates a step. The dual clip, which
   * verl's script adds, is not in the paper.
   */
  dapo: {
    rollout: { promptsPerStep: 512, n: 16, dynamicSampling: { enabled: true } },
    reward: { overlong: { penalty: 1 } },
    algorithm: { dualClip: null },
    update: { miniBatch: 32 },
  },
  /** arXiv 2503.20783: no division by the group's deviation nor by the response's length, symmetric clip. */
  "dr-grpo": { algorithm: { advantage: "dr-grpo", aggregation: "seq-mean-token-sum-norm", clipHigh: 0.2 } },
  /** arXiv 2507.18071: one ratio a response, four updates a step. */
  gspo: { algorithm: { loss: "gspo" }, update: { miniBatch: 256 } },
};
