/**
 * How long prompts and the tokens of their answers take, by the code that a run generates with. A run meets prompts of
 * new lengths, with pictures that it has not seen, in each step: so each measurement needs prompts of its own.
 */
import type { VlmConfig, VlmPolicy } from "@v-triune/policy";
import type { EngineCompletion, PreparedPrompt, RolloutEngine, SamplingRequest } from "@v-triune/rollouts";
import type { Clock } from "./clock";
import { textIds } from "./step-work";

/** Seconds. */
export interface GenerationTimes {
  /** Until each answer has its first token, pictures included. */
  readonly prefill: number;
  /** One more token of all answers. */
  readonly token: number;
}

/** Which part of an answer is decoded. */
export interface Decoded {
  /** Tokens after the first. */
  readonly tokens: number;
  /** Tokens by which prompts are longer for it, so that it is the middle of an answer; 0: it is all of it. */
  readonly extended: number;
  /** Tokens from there to the middle, where that is further away than prompts are made longer. */
  readonly beyond: number;
}

export interface TimedGenerationOptions {
  readonly policy: VlmPolicy;
  readonly engine: RolloutEngine;
  readonly architecture: VlmConfig;
  /** Threads that compute. */
  readonly workers: number;
  readonly clock: Clock;
}

/** Generates for its time. @param request `maxNewTokens` is not looked at */
export async function timeGeneration(
  prompts: readonly PreparedPrompt[],
  request: SamplingRequest,
  { tokens, extended, beyond }: Decoded,
  options: TimedGenerationOptions,
): Promise<GenerationTimes> {
  if (extended === 0) return generate(prompts, request, tokens, options);
  const near = await generate(prompts, request, beyond > 0 ? tokens : 0, options);
  const filler = textIds(extended, options.architecture);
  const longer = prompts.map((prompt) => ({ ...prompt, promptIds: Int32Array.from([...prompt.promptIds, ...filler]) }));
  const far = await generate(longer, request, tokens, options);
  const growth = beyond > 0 ? Math.max(0, far.token - near.token) / extended : 0;
  return { prefill: near.prefill, token: far.token + growth * beyond };
}

/** @param tokens after the first */
async function generate(
  prompts: readonly PreparedPrompt[],
  request: SamplingRequest,
  tokens: number,
  { policy, engine, workers, clock }: TimedGenerationOptions,
): Promise<GenerationTimes> {
  const asked = { ...request, maxNewTokens: 1 + tokens };
  if (workers > 1) {
    const seconds = async (maxNewTokens: number): Promise<number> => {
      const started = clock();
      for await (const _ of engine.generate(prompts, { ...asked, maxNewTokens }));
      return clock() - started;
    };
    const prefill = await seconds(1);
    if (tokens === 0) return { prefill, token: 0 };
    // Now the pictures are known.
    const again = await seconds(1);
    return { prefill, token: Math.max(0, (await seconds(1 + tokens)) - again) / tokens };
  }
  const started = clock();
  let first: number | undefined;
  const stopWhen = (): boolean => {
    first ??= clock();
    return false;
  };
  const { signal: _, nextTurn: __, topK, ...given } = asked;
  for await (const _ of policy.generate(prompts, { ...given, topK: topK ?? 0, bannedTokenIds: [], stopWhen }));
  return { prefill: first! - started, token: (clock() - first!) / Math.max(1, tokens) };
}

/** Answers of full length, whatever was generated: what a run would judge. */
export function* fullAnswers(
  prompts: readonly PreparedPrompt[],
  { n, maxNewTokens }: SamplingRequest,
  architecture: VlmConfig,
): Generator<EngineCompletion> {
  const tokenIds = textIds(maxNewTokens, architecture);
  for (const promptIndex of prompts.keys())
    for (let sampleIndex = 0; sampleIndex < n; sampleIndex++)
      yield { promptIndex, sampleIndex, tokenIds, finishReason: "length" };
}
