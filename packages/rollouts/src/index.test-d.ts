/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import type { VlmPolicy } from "@v-triune/policy";
import type { RewardResult } from "@v-triune/rewards";
import {
  collectRollouts,
  createLocalEngine,
  createRandom,
  type CollectOptions,
  type EngineCompletion,
  type PreparedPrompt,
  type Rollout,
  type RolloutEngine,
} from "@v-triune/rollouts";
import { expectTypeOf } from "vitest";

declare const policy: VlmPolicy;
declare const prompts: readonly PreparedPrompt[];
declare const options: CollectOptions;
expectTypeOf(createLocalEngine(policy)).toEqualTypeOf<RolloutEngine>();
expectTypeOf((await collectRollouts(prompts, options)).rollouts).toEqualTypeOf<readonly Rollout[]>();
expectTypeOf<Rollout["result"]>().toEqualTypeOf<RewardResult>();
// @ts-expect-error answers are judged, so there is a reward source
void collectRollouts(prompts, { ...options, rewards: undefined });

const engine: RolloutEngine = {
  name: "mine",
  async *generate() {
    yield { promptIndex: 0, sampleIndex: 0, tokenIds: Int32Array.of(1), finishReason: "stop" };
  },
};
expectTypeOf(engine.generate).returns.toEqualTypeOf<AsyncIterable<EngineCompletion>>();
// @ts-expect-error an answer ends by itself or at the limit
const finishReason: EngineCompletion["finishReason"] = "eos";
expectTypeOf(finishReason).toBeString();
expectTypeOf<EngineCompletion["logProbs"]>().toEqualTypeOf<Float32Array | undefined>();

expectTypeOf(createRandom(1).pick(["a", "b"])).toBeString();
// @ts-expect-error what is drawn comes from a seed
createRandom();
