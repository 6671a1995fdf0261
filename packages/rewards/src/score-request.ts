import type { Verdict, VerifierRegistry } from "@v-triune/verifiers";
import { RewardRatioError, composeReward } from "./compose-reward";
import { describeBreach } from "./contract-breach";
import type { RewardRequest, RewardResult } from "./reward-source";

/** What a run decides about rewards. The sample decides the rest. */
export interface RewardRule {
  /** Divide by the sum of the ratios. Default true. */
  readonly normalized?: boolean;
}

/** A {@link RewardResult} before it has its place in a stream. */
export type RewardOutcome = RewardResult extends infer R ? (R extends unknown ? Omit<R, "index"> : never) : never;

/**
 * Scores one request in this thread: the whole path from response to reward, which every in-process source shares.
 *
 * A verifier that throws, or returns something other than a verdict, becomes `error`: one bad sample must not end a
 * step.
 *
 * @throws UnknownVerifierError when no verifier has the name
 */
export function scoreRequest(registry: VerifierRegistry, request: RewardRequest, rule: RewardRule = {}): RewardOutcome {
  const verifier = registry.get(request.verifier);
  let verdict: Verdict;
  try {
    verdict = verifier.verify(request.response, request.sample);
  } catch (error) {
    return crashOutcome(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
  return rewardOfVerdict(verdict, request, rule);
}

/** Turns a verdict into the outcome of its request: the ratios applied, anything malformed an `error`. */
export function rewardOfVerdict(
  verdict: Verdict,
  request: Pick<RewardRequest, "accuracyRatio" | "formatRatio">,
  rule: RewardRule = {},
): RewardOutcome {
  switch (verdict?.status) {
    case "skipped":
      return { status: "skipped", reason: verdict.reason };
    case "error":
      return { status: "error", reason: verdict.reason, ...(verdict.code !== undefined && { code: verdict.code }) };
    case "scored":
      break;
    default:
      return crashOutcome(`the verifier returned ${JSON.stringify(verdict) ?? "nothing"} instead of a verdict`);
  }
  const { accuracy, format, metrics, reason } = verdict;
  if (!Number.isFinite(accuracy) || !Number.isFinite(format))
    return crashOutcome(`the verifier returned accuracy ${accuracy} and format ${format}`);
  try {
    const reward = composeReward({ accuracy, format }, { ...request, ...rule });
    return { status: "scored", reward, accuracy, format, metrics, ...(reason === "undecided" && { reason }) };
  } catch (error) {
    if (error instanceof RewardRatioError) return { status: "error", reason: describeBreach(error), code: "ratios" };
    throw error;
  }
}

/** The outcome of a request whose verifier failed. */
export function crashOutcome(what: string): RewardOutcome {
  return { status: "error", reason: `crash: ${what}`, code: "crash" };
}
