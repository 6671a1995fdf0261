/**
 * The RolloutEngine seam: prompts in, completions out as each ends. What stands behind it may be the trainer's own policy or
 * a server; a step cannot tell.
 */
import type { PreparedPrompt } from "./prepared-prompt";

/** One sampled answer. */
export interface EngineCompletion {
  /** Position of the prompt in the request. */
  readonly promptIndex: number;
  /** Which of the prompt's n answers. */
  readonly sampleIndex: number;
  /** As generated, the end token included. */
  readonly tokenIds: Int32Array;
  /** log p of each token as the engine drew it; absent if the engine does not give them. */
  readonly logProbs?: Float32Array;
  /** "length": cut at the limit, without an end token. */
  readonly finishReason: "stop" | "length";
}

export interface SamplingRequest {
  /** Number of answers per prompt. */
  readonly n: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** null: all tokens. */
  readonly topK: number | null;
  readonly maxNewTokens: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

export interface RolloutEngine {
  readonly name: string;
  /** Whether completions carry log-probabilities of another engine than the trainer's policy, which the trainer corrects for. */
  readonly givesForeignLogProbs?: boolean;
  /** Answers every prompt n times, in any order. Throws the signal's reason when it is aborted. */
  generate(prompts: readonly PreparedPrompt[], request: SamplingRequest): AsyncIterable<EngineCompletion>;
}
