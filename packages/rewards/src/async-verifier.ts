/**
 * The AsyncVerifier seam: a verifier whose verdict takes time, such as one that asks a model. The contract is that of
 * `Verifier`: a wrong answer is a verdict, a fault of the judging is `error`, never a score of 0.
 */
import { VTriuneError } from "@v-triune/errors";
import type { ParamsSchema, Verdict, VerifierSample } from "@v-triune/verifiers";
import { type RewardOutcome, type RewardRule, crashOutcome, rewardOfVerdict } from "./score-request";
import type { RewardErrorCode, RewardRequest } from "./reward-source";

/** A verdict that may say which fault of the judging it is. */
export type AsyncVerdict =
  | Exclude<Verdict, { readonly status: "error" }>
  | { readonly status: "error"; readonly reason: string; readonly code?: RewardErrorCode };

/** Judges responses of one kind of task, in its own time. */
export interface AsyncVerifier {
  /** The name that a sample's `reward_model.verifier` carries. */
  readonly name: string;
  /** Checks a sample's `params`; a verifier without parameters leaves it out. */
  readonly params?: ParamsSchema;
  /**
   * Judges one response. What it throws is an `error` verdict; a VTriuneError is for a person, and ends the run.
   *
   * @param signal aborted when the verdict is no longer wanted
   */
  verify(response: string, sample: VerifierSample, signal: AbortSignal): Promise<AsyncVerdict>;
}

/** How faults are taken that a person must fix, such as a key that is refused. */
export interface AsyncVerifierOptions extends RewardRule {
  /** `throw` ends the call, for a run; `error` makes it a verdict, for a server that goes on. Default `throw`. */
  readonly refusals?: "throw" | "error";
}

/**
 * Scores one request with an asynchronous verifier.
 *
 * @throws VTriuneError that the verifier throws, unless refusals are errors
 */
export async function scoreAsync(
  verifier: AsyncVerifier,
  request: RewardRequest,
  signal: AbortSignal,
  { refusals = "throw", ...rule }: AsyncVerifierOptions = {},
): Promise<RewardOutcome> {
  try {
    const verdict = await verifier.verify(request.response, request.sample, signal);
    return verdict?.status === "error" ? verdict : rewardOfVerdict(verdict, request, rule);
  } catch (error) {
    if (!(error instanceof VTriuneError))
      return crashOutcome(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    if (refusals === "throw") throw error;
    return { status: "error", reason: `server: ${error.what} ${error.found ?? ""}`.trimEnd(), code: "server" };
  }
}
