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
  /**
   * The completion as trained, end token included: no visual placeholders but those of `observations`. A conversation of
   * several turns is one completion: what the policy wrote and what it was shown, in their order.
   */
  readonly completionIds: Int32Array;
  /**
   * 1 for tokens that the policy wrote, 0 for those that it was shown (observations of tools), one for each of
   * `completionIds`. Tokens of 0 are read and never scored: their log-probability is 0, without a gradient. Default: all 1.
   */
  readonly responseMask?: Uint8Array;
  /** Pictures within the completion, in the order of their placeholders. */
  readonly observations?: readonly VisualInput[];
  /** Names the prompt; rows of different groups are never merged. */
  readonly group?: string | number;
}
