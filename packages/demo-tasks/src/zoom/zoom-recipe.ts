/**
 * The recipe of the model that looks closer, as a part of a training configuration. What is not stated is a default.
 */
import { pictureSize } from "../drawing/canvas";
import { type ModelFolderChanges } from "../model-folder";
import { zoomOffer } from "./zoom-answer";
import { zoomVocabulary } from "./zoom-vocabulary";

export const zoomPromptsPerStep = 14;
/** Share of easy pictures in training. */
export const zoomEasyShare = 0.3;

/** Every picture is seen at 84 × 84 pixels: the sides' nearest multiple of 28 between these bounds. */
const pixels = { least: (pictureSize - 4) ** 2, most: (pictureSize + 4) ** 2 };

export const zoomModelFolder: ModelFolderChanges = { tokens: zoomVocabulary, pixels };

export const zoomRecipe = {
  rollout: {
    promptsPerStep: zoomPromptsPerStep,
    maxNewTokens: 72,
    turns: { max: 3, tools: [{ name: "crop" as const, square: true, notes: false }], offer: zoomOffer },
  },
  // As demoRecipe's.
  update: { computeWith: "backend" as const },
  optimizer: { lr: 2e-4, betas: [0.9, 0.95] as [number, number], weightDecay: 0, warmupRatio: 0 },
  promptPool: { enabled: false },
  checkpoint: { every: null, keep: null },
  strict: true,
};
