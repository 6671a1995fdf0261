/**
 * Generation and judging, overlapping: each completion goes to the reward source the moment it ends, while others are
 * still being generated.
 */
import type { Processor, VisualInput } from "@v-triune/policy";
import type { RewardRequest, RewardResult, RewardSource } from "@v-triune/rewards";
import type { PreparedPrompt } from "./prepared-prompt";
import { type JudgingContext, rewardRequest } from "./reward-request";
import type { EngineCompletion, EngineTurn, RolloutEngine, SamplingRequest } from "./rollout-engine";
import { stripVisualTokens } from "./strip-visual-tokens";
import { type Conversation, maskOf } from "./turns/conversation";
import type { Conversations } from "./turns/conversations";
import { playTurns } from "./turns/play-turns";

/** One answer with its verdict. */
export interface Rollout {
  readonly prompt: PreparedPrompt;
  readonly promptIndex: number;
  readonly sampleIndex: number;
  /**
   * As trained: placeholders that the model wrote taken out, end token included. Of several turns, with what was shown
   * between them.
   */
  readonly completionIds: Int32Array;
  /** log p of each token as the engine reported it; 0 for tokens that were shown. */
  readonly rolloutLogProbs?: Float32Array;
  /** 1 for tokens that the model wrote, 0 for those that it was shown; absent for one turn, where all are 1. */
  readonly responseMask?: Uint8Array;
  /** Pictures that were shown, in the order of their placeholders in `completionIds`. */
  readonly observations?: readonly VisualInput[];
  /** Turn by turn, if there may be several. */
  readonly conversation?: Conversation;
  readonly generatedTokens: number;
  readonly strippedTokens: number;
  /** Cut at the length limit; judged on the raw length. */
  readonly truncated: boolean;
  /** The text that was judged: of several turns, the last. */
  readonly response: string;
  /** With what is added for training, such as the length penalty; accuracy and format are the verifier's. */
  readonly result: RewardResult;
  /** What was added to the reward for its use of tools, by name; absent where nothing is configured. */
  readonly toolRewards?: Readonly<Record<string, number>>;
  /** The length penalty in the reward, ≤ 0; absent where none is configured. */
  readonly lengthPenalty?: number;
}

/** The part of a policy's processor that answers need. */
export type AnswerProcessor = Pick<Processor, "decode" | "imageTokenId" | "videoTokenId"> & {
  readonly imageProcessor: { readonly settings: Pick<Processor["imageProcessor"]["settings"], "patchSize"> };
};

export interface CollectOptions {
  readonly engine: RolloutEngine;
  readonly rewards: RewardSource;
  readonly request: SamplingRequest;
  /** Of the model: decodes answers, knows the placeholders that are stripped and the size that pictures have. */
  readonly processor: AnswerProcessor;
  readonly context: JudgingContext;
  /** Follows the conversations of a request where answers may take several turns. Default: one turn. */
  readonly turns?: { readonly follow: (prompts: readonly PreparedPrompt[]) => Conversations } | undefined;
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with each rollout as soon as it is judged. */
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
  const { engine, rewards, request, processor, context, turns, onProgress, onRollout } = options;
  const { patchSize } = processor.imageProcessor.settings;
  const placeholders = new Set([
    processor.imageTokenId,
    ...(processor.videoTokenId === undefined ? [] : [processor.videoTokenId]),
  ]);
  const conversations = turns?.follow(prompts);
  const started = performance.now();
  let waiting = 0;
  const answered: Omit<Rollout, "result">[] = [];

  const decodeAnswer = (ids: Int32Array): string => processor.decode(ids, { skipSpecialTokens: true });

  async function* requests(): AsyncGenerator<RewardRequest> {
    const completions = generate()[Symbol.asyncIterator]();
    try {
      for (;;) {
        const asked = performance.now();
        const { value: completion, done } = await completions.next();
        waiting += performance.now() - asked;
        if (done) return;
        const prompt = prompts[completion.promptIndex];
        if (!prompt)
          throw new RangeError(`${engine.name} answered prompt ${completion.promptIndex} of ${prompts.length}`);
        checkLogProbs(completion, engine.name);
        const answer = conversations
          ? conversationAnswer(completion, conversations, placeholders)
          : plainAnswer(completion, placeholders);
        const response = answer.conversation?.turns.at(-1)?.text ?? decodeAnswer(answer.completionIds);
        answered.push({
          prompt,
          promptIndex: completion.promptIndex,
          sampleIndex: completion.sampleIndex,
          ...answer,
          generatedTokens: completion.tokenIds.length,
          truncated: completion.finishReason === "length",
          response,
        });
        yield rewardRequest(prompt, response, context, patchSize);
      }
    } finally {
      await completions.return?.();
    }
  }

  function generate(): AsyncIterable<EngineCompletion> {
    if (!conversations) return engine.generate(prompts, request);
    const { maxShownTokens } = conversations.rules;
    if (engine.continuesTurns)
      return engine.generate(prompts, { ...request, nextTurn: conversations.nextTurn, maxShownTokens });
    return playTurns(engine, prompts, request, conversations, placeholders);
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
      `${engine.name} and the reward source together gave ${rollouts.length} rollouts; ${prompts.length} prompts × ` +
        `${request.n} were asked for`,
    );
  }
  rollouts.sort((a, b) => a.promptIndex - b.promptIndex || a.sampleIndex - b.sampleIndex);
  const elapsed = performance.now() - started;
  return { rollouts, seconds: { generate: waiting / 1000, reward: (elapsed - waiting) / 1000 } };
}

type Answer = Pick<
  Rollout,
  "completionIds" | "rolloutLogProbs" | "strippedTokens" | "responseMask" | "observations" | "conversation"
>;

function plainAnswer(completion: EngineCompletion, placeholders: ReadonlySet<number>): Answer {
  const { tokenIds, logProbs, stripped } = stripVisualTokens(completion, placeholders);
  return { completionIds: tokenIds, ...(logProbs ? { rolloutLogProbs: logProbs } : {}), strippedTokens: stripped };
}

/** All turns as one completion, with what was shown between them. */
function conversationAnswer(
  completion: EngineCompletion,
  conversations: Conversations,
  placeholders: ReadonlySet<number>,
): Answer {
  const generated: readonly EngineTurn[] = completion.turns ?? [completion];
  const turns = generated.map((turn) => ({ ...turn, ...stripVisualTokens(turn, placeholders) }));
  const shown = turns.map(({ continuation }) => continuation?.tokenIds ?? new Int32Array());
  const conversation = conversations.take(
    completion,
    turns.map(({ tokenIds }, index) => ({ tokenIds, shownTokens: shown[index]!.length })),
    completion.finishReason,
  );
  return {
    completionIds: Int32Array.from(turns.flatMap(({ tokenIds }, index) => [...tokenIds, ...shown[index]!])),
    responseMask: maskOf(conversation),
    observations: turns.flatMap(({ continuation }) => continuation?.pictures ?? []),
    ...(turns.every(({ logProbs }) => logProbs)
      ? {
          rolloutLogProbs: Float32Array.from(
            turns.flatMap(({ logProbs }, index) => [...logProbs!, ...Array.from(shown[index]!, () => 0)]),
          ),
        }
      : {}),
    strippedTokens: turns.reduce((sum, { stripped }) => sum + stripped, 0),
    conversation,
  };
}

/** A loss of such numbers is NaN, and would blame the learning rate. @throws RangeError */
function checkLogProbs({ promptIndex, sampleIndex, logProbs }: EngineCompletion, engine: string): void {
  const at = logProbs?.findIndex((value) => !Number.isFinite(value)) ?? -1;
  if (at < 0) return;
  throw new RangeError(
    `${engine} gave the log-probability ${logProbs![at]} for token ${at + 1} of answer ${sampleIndex} to prompt ` +
      `${promptIndex}; a finite number expected`,
  );
}
