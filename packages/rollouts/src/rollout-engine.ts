/**
 * The RolloutEngine seam: prompts in, completions out as each ends. It may be the trainer's own policy, a server, or
 * your own object; a training step cannot tell.
 */
import type { EndedTurn, TurnContinuation } from "@v-triune/policy";
import type { PreparedPrompt } from "./prepared-prompt";

/** One turn of an answer. */
export interface EngineTurn {
  /** As generated, the end token included. */
  readonly tokenIds: Int32Array;
  /** As of the completion. */
  readonly logProbs?: Float32Array;
  /** What was shown after it; absent after the last turn. */
  readonly continuation?: TurnContinuation;
}

/** One sampled answer. */
export interface EngineCompletion {
  /** Position of the prompt in the request. */
  readonly promptIndex: number;
  /** Which of the prompt's n answers. */
  readonly sampleIndex: number;
  /** As generated, the end token included; those of all turns, without what was shown between. */
  readonly tokenIds: Int32Array;
  /** log p of each token as the engine drew it; absent if the engine does not give them. */
  readonly logProbs?: Float32Array;
  /** "length": cut at the limit, without an end token. */
  readonly finishReason: "stop" | "length";
  /** Turn by turn, if the request had `nextTurn`. */
  readonly turns?: readonly EngineTurn[];
}

export interface SamplingRequest {
  /** Number of answers per prompt. */
  readonly n: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** null: all tokens. */
  readonly topK: number | null;
  /** Tokens that an answer writes, in all its turns together. */
  readonly maxNewTokens: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /**
   * Only for engines that have `continuesTurns`: called when a turn ends at an end token. What it returns follows the
   * turn, and the answer goes on; undefined ends the answer.
   */
  readonly nextTurn?: (turn: EndedTurn) => Promise<TurnContinuation | undefined>;
  /** Most tokens that `nextTurn` shows to one answer. */
  readonly maxShownTokens?: number;
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
  /**
   * Whether it calls `nextTurn` of a request and goes on behind what it has. Others are asked once for each turn, with
   * the conversation so far as the prompt. Default false.
   */
  readonly continuesTurns?: boolean;
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
