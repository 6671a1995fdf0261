import { crashOutcome, type RewardOutcome } from "./judge-request";
import type { RewardRequest, RewardSource } from "./reward-source";
import { streamThrough } from "./stream-through";

/**
 * What a user's own reward function may return: a number is the reward, null leaves the sample out (TRL's convention), an outcome
 * says everything.
 */
export type FunctionReward = number | null | RewardOutcome;

/** Settings of a function source. */
export interface FunctionRewardSourceOptions {
  /** Calls under way at once. Default 32. */
  readonly parallel?: number;
}

/**
 * A reward source over a function, e.g. one that asks a judge model. What it throws becomes `error`, as does a reward that is not
 * finite; the function's signal is aborted when nobody wants its answer any more.
 *
 * @param reward called once for each request
 * @example createFunctionRewardSource(async ({ response }) => response.length < 2000 ? await askJudge(response) : 0)
 */
export function createFunctionRewardSource(
  reward: (request: RewardRequest, signal: AbortSignal) => FunctionReward | Promise<FunctionReward>,
  options: FunctionRewardSourceOptions = {},
): RewardSource {
  const { parallel = 32 } = options;
  if (!(Number.isInteger(parallel) && parallel > 0))
    throw new RangeError(`createFunctionRewardSource: parallel is ${parallel}, expected a whole number above 0`);
  const submit = (request: RewardRequest) => {
    const controller = new AbortController();
    return {
      outcome: call(reward, request, controller.signal),
      cancel: () => controller.abort(new Error("nobody wants this reward any more")),
    };
  };
  return { score: (requests, scoreOptions) => streamThrough(submit, requests, parallel, scoreOptions) };
}

async function call(
  reward: (request: RewardRequest, signal: AbortSignal) => FunctionReward | Promise<FunctionReward>,
  request: RewardRequest,
  signal: AbortSignal,
): Promise<RewardOutcome> {
  try {
    const found = await reward(request, signal);
    if (found === null) return { status: "skipped", reason: "the reward function returned null" };
    if (typeof found === "object") return found;
    if (Number.isFinite(found)) return { status: "scored", reward: found, accuracy: found, format: 0, metrics: {} };
    return crashOutcome(`the reward function returned ${String(found)}`);
  } catch (error) {
    return crashOutcome(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
}
