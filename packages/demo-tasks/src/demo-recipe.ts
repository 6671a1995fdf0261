import { demoSourceNames } from "./sources/index";

/** Two prompts of each source a step, on average. */
export const promptsPerStep = 2 * demoSourceNames.length;

/** Training samples of each source for a run of this length. */
export const samplesForSteps = (steps: number): number => Math.ceil((steps * promptsPerStep) / demoSourceNames.length);

/**
 * The demonstration's recipe, as a part of a training configuration: GRPO as the paper has it (clip-higher, token mean,
 * no KL, frozen vision tower and merger), with a learning rate for a model of 1.2 M parameters: 1e-4 to 3e-4 work, 1e-3
 * does not. What is not stated here is a default.
 */
export const demoRecipe = {
  rollout: { promptsPerStep, maxNewTokens: 44 },
  reward: { iou: { schedule: [{ until: 1, epsilon: 0.5 }] } },
  optimizer: { lr: 3e-4, betas: [0.9, 0.95] as [number, number], weightDecay: 0, warmupRatio: 0 },
  // The published figures are those of TensorFlow's own ops. Our kernels are faster and round otherwise, and in steps of
  // sampling that leads elsewhere.
  update: { computeWith: "backend" as const },
  promptPool: { enabled: false },
  checkpoint: { every: null, keep: null },
  strict: true,
};
