/**
 * Generation and judging, overlapping: each completion goes to the reward source the moment it ends, while others are still
 * being generated.
 */
import type { RewardRequest, RewardResult, RewardSource } from "@v-triune/rewards";
import type { PreparedPrompt } from "./prepared-prompt";
import { rewardRequest, type RewardContext } from "./reward-request";
import type { RolloutEngine, SamplingRequest } from "./rollout-engine";
import { stripVisualTokens } from "./strip-visual-tokens";

/** One answer with its verdict. */
export interface Rollout {
  readonly prompt: PreparedPrompt;
  readonly promptIndex: number;
  readonly sampleIndex: number;
  /** As trained: placeholders taken out, end token included. */
  readonly completionIds: Int32Array;
  /** What the engine said it drew them with. */
  readonly rolloutLogProbs?: Float32Array;
  readonly generatedTokens: number;
  readonly strippedTokens: number;
  /** Cut at the length limit; judged on the raw length. */
  readonly truncated: boolean;
  /** The text that was judged. */
  readonly response: string;
  /** With what is added for training, such as the length penalty; accuracy and format are the verifier's. */
  readonly result: RewardResult;
  /** The length penalty in the reward, ≤ 0; absent where none is configured. */
  readonly lengthPenalty?: number;
}

export interface CollectOptions {
  readonly engine: RolloutEngine;
  readonly rewards: RewardSource;
  readonly request: SamplingRequest;
  readonly context: RewardContext;
  /** Ids → text, special tokens left out. */
  readonly decode: (ids: Int32Array) => string;
  readonly placeholders: ReadonlySet<number>;
  readonly onProgress?: (done: number, total: number) => void;
  /** Each as soon as it is judged. */
  readonly onRollout?: (rollout: Rollout) => void;
}

export interface CollectedRollouts {
  /** By prompt, then by sample: the order does not depend on which ended first. */
  readonly rollouts: readonly Rollout[];
  /** Time spent waiting for the engine, and for everything else. */
  readonly seconds: { readonly generate: number; readonly reward: number };
}

/** @throws whatever the engine or the reward source throws; the signal's reason when aborted */
export async function collectRollouts(
  prompts: readonly PreparedPrompt[],
  options: CollectOptions,
): Promise<CollectedRollouts> {
  const { engine, rewards, request, context, decode, placeholders, onProgress, onRollout } = options;
  const started = performance.now();
  let waiting = 0;
  const answered: Omit<Rollout, "result">[] = [];

  async function* requests(): AsyncGenerator<RewardRequest> {
    const completions = engine.generate(prompts, request)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const asked = performance.now();
        const { value: completion, done } = await completions.next();
        waiting += performance.now() - asked;
        if (done) return;
        const prompt = prompts[completion.promptIndex];
        if (!prompt)
          throw new RangeError(`${engine.name} answered prompt ${completion.promptIndex} of ${prompts.length}`);
        const { tokenIds, logProbs, stripped } = stripVisualTokens(completion, placeholders);
        const response = decode(tokenIds);
        answered.push({
          prompt,
          promptIndex: completion.promptIndex,
          sampleIndex: completion.sampleIndex,
          completionIds: tokenIds,
          ...(logProbs ? { rolloutLogProbs: logProbs } : {}),
          generatedTokens: completion.tokenIds.length,
          strippedTokens: stripped,
          truncated: completion.finishReason === "length",
          response,
        });
        yield rewardRequest(prompt, response, context);
      }
    } finally {
      await completions.return?.();
    }
  }

  const rollouts: Rollout[] = [];
  const total = prompts.length * request.n;
  for await (const result of rewards.score(requests(), request.signal ? { signal: request.signal } : {})) {
    const answer = answered[result.index];
    if (!answer) throw new RangeError(`the reward source answered request ${result.index}, which was not asked`);
    const rollout = { ...answer, result };
    rollouts.push(rollout);
    onRollout?.(rollout);
    onProgress?.(rollouts.length, total);
  }
  if (rollouts.length !== total) {
    throw new Error(
      `${engine.name} and the reward source together gave ${rollouts.length} rollouts; ${prompts.length} prompts × ${request.n} were asked for`,
    );
  }
  rollouts.sort((a, b) => a.promptIndex - b.promptIndex || a.sampleIndex - b.sampleIndex);
  const elapsed = performance.now() - started;
  return { rollouts, seconds: { generate: waiting / 1000, reward: (elapsed - waiting) / 1000 } };
}
