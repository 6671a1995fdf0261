/** The seam between the sampling loop and the two ways of decoding: TensorFlow.js ops, and kernels on the wasm heap. */
import type { PromptInput } from "../model/tokenized-rollout";
import type { VisualInput } from "../vision/visual-input";
import type { DrawRows } from "./sampler";

/** What follows a running completion: its next turn. */
export interface RowContinuation {
  readonly row: RowHandle;
  /** The newest tokens that the row was fed and that are forgotten; text only. */
  readonly drop: number;
  /** Tokens after those that are left, at least one. */
  readonly ids: Int32Array;
  /** Pictures among them, in the order of their placeholders. */
  readonly pictures: readonly VisualInput[];
}

/** A prompt's keys and values, shared by its rows. */
export type PromptHandle = number;
/** A running completion. */
export type RowHandle = number;

/**
 * Computes prompts once and then one token per row and step. Handles are small numbers that are used again after their
 * release. Not reentrant; every method is synchronous.
 */
export interface Decoder {
  /** Computes prompts; logits of the token after each, [prompts · vocabulary]. */
  prefill(prompts: readonly PromptInput[]): {
    readonly handles: readonly PromptHandle[];
    readonly logits: Float32Array;
  };
  /** A new completion of a prompt, at most `maxNewTokens` long. */
  addRow(prompt: PromptHandle): RowHandle;
  /**
   * Feeds each row its newest token; logits of the next, [rows · vocabulary]. The array is valid until the next call.
   */
  step(rows: readonly RowHandle[], tokens: Int32Array): Float32Array;
  /** Draws from the logits of a step faster than the sampler does, where the decoder can. */
  readonly draw?: DrawRows | undefined;
  /**
   * Goes on from running completions: all that each was fed, with what follows, becomes a prompt of its own, for which
   * only the new tokens are computed. The rows stay as they are. Logits as of `prefill`.
   */
  extend(parts: readonly RowContinuation[]): {
    readonly handles: readonly PromptHandle[];
    readonly logits: Float32Array;
  };
  removeRow(row: RowHandle): void;
  /** Frees a prompt that gets no further rows; those it has keep it alive. */
  releasePrompt(prompt: PromptHandle): void;
  dispose(): void;
}
