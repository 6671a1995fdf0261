/** What a server is asked, and what it answers: the same for every protocol. */
import type { PreparedPrompt } from "@v-triune/rollouts";

/** Answers to one prompt that are asked for in one HTTP request. */
export interface GenerationTask {
  readonly prompt: Pick<PreparedPrompt, "id" | "messages" | "text" | "promptIds">;
  readonly samples: number;
  readonly temperature: number;
  readonly topP: number;
  /** null: all tokens. */
  readonly topK: number | null;
  readonly maxNewTokens: number;
  readonly seed: number;
  /** The model's name at the server. */
  readonly model: string;
}

/** One answer as the server gave it. */
export interface ServerAnswer {
  readonly text: string;
  /** What it may have been instead, where the server does not tell; the number of its tokens decides. */
  readonly otherwise?: string;
  /** The end token included. */
  readonly tokenIds?: Int32Array;
  readonly logProbs?: Float32Array;
  /** Why log-probabilities that were sent cannot be used: `null for token 3 of 12`. */
  readonly logProbsFault?: string;
  readonly finishReason: "stop" | "length";
}

export interface ServerReply {
  readonly answers: readonly ServerAnswer[];
  /** Tokens of the prompt, pictures expanded, as the server counted them. */
  readonly promptTokens?: number;
  /** Tokens of the answers together. */
  readonly completionTokens?: number;
  /** What the reply says about the weights that gave it: a model's name, a weight version. */
  readonly weights?: string;
}

/** One HTTP request and how its reply is read. */
export interface ProtocolRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether the reply is a stream of events. */
  readonly events: boolean;
  /** @throws NoAnswerError for a reply that is not an answer */
  read(reply: unknown): ServerReply;
}
