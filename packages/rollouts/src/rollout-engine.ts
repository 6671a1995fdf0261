/**
 * The RolloutEngine seam: prompts in, completions out as each ends. It may be the trainer's own policy, a server, or
 * your own object; a training step cannot tell.
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

/** The weights of a run after one of its steps. */
export interface EngineWeights {
  /** The training step after which they are taken; 0: those that the run begins with. */
  readonly step: number;
  /**
   * Writes them into a folder in Hugging Face layout.
   *
   * @param content "model": the whole model, an adapter merged into it. "adapter": the LoRA adapter alone, if one is
   *   trained. Default "model".
   */
  save(folder: string, content?: "model" | "adapter"): Promise<void>;
}

export interface RolloutEngine {
  readonly name: string;
  /**
   * Whether completions carry log-probabilities of another engine than the trainer's policy, which the trainer corrects
   * for.
   */
  readonly givesForeignLogProbs?: boolean;
  /** Answers every prompt n times, in any order. Throws the signal's reason when it is aborted. */
  generate(prompts: readonly PreparedPrompt[], request: SamplingRequest): AsyncIterable<EngineCompletion>;
  /**
   * Answers come from these weights from now on. A run calls it before its first step and after each update, and never
   * while the engine generates. Without it an engine keeps its own weights, and a run warns of that.
   */
  useWeights?(weights: EngineWeights, signal?: AbortSignal): Promise<void>;
  /** What the engine counted since the last call, under the names that the metrics of a step have. */
  takeMetrics?(): Readonly<Record<string, number>>;
  /** Called once, when the run ends. */
  close?(): Promise<void>;
}
