/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  defaultSettings,
  type RewardServer,
  type RewardServerSettings,
  startRewardServer,
} from "@v-triune/reward-server";
import { expectTypeOf } from "vitest";

expectTypeOf(startRewardServer({ port: 0 })).resolves.toEqualTypeOf<RewardServer>();
expectTypeOf(defaultSettings()).toEqualTypeOf<RewardServerSettings>();
expectTypeOf<RewardServer["url"]>().toBeString();
expectTypeOf<RewardServer["drain"]>().returns.toExtend<Promise<unknown>>();
// @ts-expect-error a port is a number
void startRewardServer({ port: "8000" });
// @ts-expect-error there is no such setting
void startRewardServer({ prot: 8000 });
