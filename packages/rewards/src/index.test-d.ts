/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  collectRewards,
  composeReward,
  createFunctionRewardSource,
  createHttpRewardSource,
  createLocalRewardSource,
  type HttpRewardSource,
  type RewardRequest,
  type RewardResult,
  type RewardSource,
} from "@v-triune/rewards";
import { createIsolatedRewardSource } from "@v-triune/rewards/isolated";
import type { VerifierRegistry } from "@v-triune/verifiers";
import { expectTypeOf } from "vitest";

declare const result: RewardResult;
// @ts-expect-error only a scored result has a reward
void result.reward;
if (result.status === "scored") expectTypeOf(result.reward).toBeNumber();
else expectTypeOf(result.reason).toBeString();

expectTypeOf(composeReward).returns.toBeNumber();
// @ts-expect-error both parts are needed
composeReward({ accuracy: 1 });

declare const registry: VerifierRegistry;
declare const requests: readonly RewardRequest[];
const source = createLocalRewardSource(registry);
expectTypeOf(source).toExtend<RewardSource>();
expectTypeOf(collectRewards(source, requests)).resolves.toEqualTypeOf<RewardResult[]>();
expectTypeOf<HttpRewardSource>().toExtend<RewardSource>();
expectTypeOf(createHttpRewardSource({ urls: ["http://127.0.0.1:8000"] })).toExtend<RewardSource>();
expectTypeOf(createIsolatedRewardSource).returns.resolves.toExtend<RewardSource>();

expectTypeOf(createFunctionRewardSource(() => null)).toExtend<RewardSource>();
createFunctionRewardSource(async ({ response }) => response.length);
// @ts-expect-error a reward is a number, null or an outcome
createFunctionRewardSource(() => "good");
