/** How likely a server finds the tokens of an answer that was written elsewhere: what is asked, and what comes back. */
import type { ChatMessage } from "@v-triune/policy";
import type { ProtocolRequest } from "../protocols/generation-task";
import { NoAnswerError } from "../servers/http-json";

/** An answer as the server is sent it. */
export interface ScoringTask {
  readonly id: string;
  /** The prompt, pictures expanded, and then the answer. */
  readonly ids: Int32Array;
  /** The same as text, a placeholder for each picture. */
  readonly text: string;
  /** The prompt's part of `text` as the messages that it was rendered from, for a server with a template of its own. */
  readonly messages: readonly ChatMessage[];
  readonly answer: { readonly text: string; readonly length: number };
  /** Data URLs, in the order of their places. */
  readonly pictures: readonly string[];
  /** Likeliest tokens that are wanted at each place of the answer; 0: none. */
  readonly topK: number;
}

export interface AnswerScores {
  /** log p of each token of the answer, [T]. */
  readonly logProbs: Float32Array;
  /** The likeliest tokens of each place and their log p, flat [T · topK]; absent where none were asked for. */
  readonly top?: { readonly ids: Int32Array; readonly logProbs: Float32Array };
}

export interface ScoringRequest extends Omit<ProtocolRequest, "read" | "events"> {
  /**
   * @returns undefined where the server read other tokens than were written
   * @throws NoAnswerError for a reply that does not tell
   */
  read(reply: unknown): AnswerScores | undefined;
}

/** What a server says of one place of the answer. */
export interface PlaceScores {
  readonly logProb: unknown;
  /** Likeliest first. */
  readonly top: readonly (readonly [id: number, logProb: unknown])[];
}

/** @throws NoAnswerError for numbers that are no log-probabilities, and for a place with too few tokens */
export function answerScores(places: readonly PlaceScores[], topK: number): AnswerScores {
  const logProbs = Float32Array.from(places, ({ logProb }, at) => checked(logProb, at));
  if (topK === 0) return { logProbs };
  const ids = new Int32Array(places.length * topK);
  const values = new Float32Array(places.length * topK);
  for (const [at, { top }] of places.entries()) {
    if (top.length < topK)
      throw new NoAnswerError("failed", `${top.length} likeliest tokens where ${topK} were asked for`);
    for (let rank = 0; rank < topK; rank += 1) {
      const [id, logProb] = top[rank]!;
      ids[at * topK + rank] = id;
      values[at * topK + rank] = checked(logProb, at);
    }
  }
  return { logProbs, top: { ids, logProbs: values } };
}

function checked(logProb: unknown, at: number): number {
  // A little above 0 is rounding of a probability of 1.
  if (typeof logProb === "number" && Number.isFinite(logProb) && logProb < 1e-3) return Math.min(0, logProb);
  throw new NoAnswerError("unusable", `${String(logProb)} as the log-probability of token ${at} of the answer`);
}
