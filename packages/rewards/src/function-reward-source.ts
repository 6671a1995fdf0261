import { crashOutcome, type RewardOutcome } from "./score-request";
import type { RewardRequest, RewardSource } from "./reward-source";
import { streamThrough } from "./stream-through";

/**
 * What a custom reward function may return: a number is the reward, null leaves the sample out (TRL's convention), and
 * an outcome states everything.
 */
export type FunctionReward = number | null | RewardOutcome;

/** Settings of a function source. */
export interface FunctionRewardSourceOptions {
  /** The number of calls at the same time. Default 32. */
  readonly parallel?: number;
}

/**
 * A reward source over a function, for example one that asks another model. What the function throws becomes `error`,
 * and so does a reward that is not finite. The function's signal is aborted when its answer is no longer wanted.
 *
 * @param reward called once per request
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
      cancel: () => controller.abort(new Error("this reward is no longer wanted")),
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
