/** The model's input: prompts with their pictures, and completions to score. Plain data, no tensors. */
import type { VisualInput } from "../vision/visual-input";

/** A prompt: token ids with one placeholder for each merged visual token, and the pictures that fill them. */
export interface PromptInput {
  readonly promptIds: Int32Array;
  readonly images?: VisualInput;
  readonly videos?: VisualInput;
}

/**
 * One rollout. Rows whose prompts have equal ids and the very same `pixelValues` arrays share the prompt's
 * computation.
 */
export interface TokenizedRollout extends PromptInput {
  /** The completion as trained: no visual placeholders, end token included. */
  readonly completionIds: Int32Array;
  /** Names the prompt; rows of different groups are never merged. */
  readonly group?: string | number;
}
