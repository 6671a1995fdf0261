/**
 * The RewardSource seam: a stream of rollouts in, a stream of rewards out, each as soon as it is known. Behind it may
 * be this process, worker threads, several servers or a custom function; the trainer cannot tell which.
 *
 * The contract: every request that was taken is answered exactly once, in any order, under its position in the input. A
 * fault is `error`, never a reward of 0.
 */
import type { VerifierSample } from "@v-triune/verifiers";

/** One response that wants a reward. */
export interface RewardRequest {
  /** The model's text, special tokens removed. */
  readonly response: string;
  /** The name of the verifier that the sample asks for. */
  readonly verifier: string;
  /** The gold answer and the verifier's parameters. */
  readonly sample: VerifierSample;
  /** The sample's α_acc; default 1. */
  readonly accuracyRatio?: number | null;
  /** The sample's α_fmt; default 0.1. */
  readonly formatRatio?: number | null;
}

/**
 * The answer to one request:
 * - `scored`: the trainer uses `reward` and logs the rest by source. The reason `undecided` marks an accuracy of 0
 *   because the verifier reached its limits before a decision.
 * - `skipped`: the sample's gold is bad; leave the rollout out of its group.
 * - `error`: the judging itself failed (parameters, timeout, crash, server); leave it out and count it.
 */
export type RewardResult =
  | {
      readonly index: number;
      readonly status: "scored";
      readonly reward: number;
      readonly accuracy: number;
      readonly format: number;
      readonly metrics: Readonly<Record<string, number>>;
      readonly reason?: "undecided";
    }
  | { readonly index: number; readonly status: "skipped"; readonly reason: string }
  | {
      readonly index: number;
      readonly status: "error";
      /** For people. */
      readonly reason: string;
      /** For programs: which failure it is, where the source knows. */
      readonly code?: RewardErrorCode;
    };

/** Why a request could not be judged; see {@link RewardResult}. */
export const REWARD_ERROR_CODES = [
  /** The request itself cannot be read: no response, an unknown verifier. Other requests of its batch can. */
  "request",
  /** The sample's verifier parameters cannot be used. */
  "params",
  /** The sample's ratios make no reward. */
  "ratios",
  /** The verifier or its worker failed. */
  "crash",
  /** The verifier took longer than one sample may. */
  "timeout",
  /** A model that judges wrote no verdict that can be read, or its budget is used up. */
  "judge",
  /** The time that the client gave the whole request is over. */
  "deadline",
  /** No reward server answered as it should. */
  "server",
  /** The source was closed. */
  "closed",
] as const;
export type RewardErrorCode = (typeof REWARD_ERROR_CODES)[number];

/** Options of one call of `score`. */
export interface ScoreOptions {
  /** Stops the call; iteration then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What rewards responses. */
export interface RewardSource {
  /**
   * Scores requests as they come and yields results as they are ready.
   *
   * @returns results in the order of completion; `index` is the request's position in the input, from 0
   */
  score(
    requests: Iterable<RewardRequest> | AsyncIterable<RewardRequest>,
    options?: ScoreOptions,
  ): AsyncIterable<RewardResult>;
  /** Frees workers and connections. A source without any leaves it out. */
  close?(): Promise<void>;
}

/**
 * Runs a source over requests and gives the results in the order of the requests.
 *
 * @throws Error when the source leaves a request without an answer or answers one twice
 */
export async function collectRewards(
  source: RewardSource,
  requests: readonly RewardRequest[],
  options: ScoreOptions = {},
): Promise<RewardResult[]> {
  const results: (RewardResult | undefined)[] = requests.map(() => undefined);
  for await (const result of source.score(requests, options)) {
    if (result.index in results && results[result.index] === undefined) results[result.index] = result;
    else
      throw new Error(
        `the reward source answered request ${result.index} ` +
          `${result.index < requests.length ? "twice" : `of ${requests.length}`}`,
      );
  }
  return results.map((result, index) => {
    if (result === undefined)
      throw new Error(`the reward source left request ${index} of ${requests.length} unanswered`);
    return result;
  });
}
