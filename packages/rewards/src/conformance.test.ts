import { createVerifierRegistry } from "@v-triune/verifiers";
import { describe, expect, it } from "vitest";
import builtinVerifiers from "./builtin-verifiers";
import { checkRewardSource } from "./conformance";
import { createIsolatedRewardSource } from "./isolated/isolated-reward-source";
import { createLocalRewardSource } from "./local-reward-source";
import type { RewardRequest, RewardResult, RewardSource } from "./reward-source";

const requests = [..."4567"].map((digit): RewardRequest => ({
  response: `\\boxed{${digit}}`,
  verifier: "mathverify",
  sample: { groundTruth: "\\boxed{4}" },
}));
const answer = (index: number): RewardResult => ({
  index,
  status: "scored",
  reward: 1,
  accuracy: 1,
  format: 1,
  metrics: {},
});
const rulesOf = async (score: RewardSource["score"]) =>
  new Set((await checkRewardSource({ score }, { requests, longestMs: 300 })).map(({ rule }) => rule));

describe("checkRewardSource", () => {
  it("passes the in-process source", async () => {
    expect(
      await checkRewardSource(createLocalRewardSource(createVerifierRegistry(builtinVerifiers())), { requests }),
    ).toEqual([]);
  });

  it("passes the isolated source", async () => {
    const source = await createIsolatedRewardSource({ workers: 2 });
    expect(await checkRewardSource(source, { requests })).toEqual([]);
    await source.close();
  });

  it("finds each way of breaking the contract", async () => {
    const gathering: RewardSource["score"] = async function* (input) {
      const all: RewardRequest[] = [];
      for await (const request of input) all.push(request);
      yield* all.map((_, index) => answer(index));
    };
    expect(await rulesOf(gathering)).toEqual(new Set(["stuck"])); // it waits for the end of an input that waits for it

    const losing: RewardSource["score"] = async function* (input, { signal } = {}) {
      signal?.throwIfAborted();
      let index = 0;
      for await (const _ of input) if (index++ > 0) yield answer(index);
    };
    expect(await rulesOf(losing)).toContain("complete");

    const shapeless: RewardSource["score"] = async function* (input) {
      let index = 0;
      for await (const _ of input) yield { ...answer(index++), reward: Number.NaN };
    };
    expect(await rulesOf(shapeless)).toContain("shape");

    const swallowing: RewardSource["score"] = async function* (input) {
      let index = 0;
      try {
        for await (const _ of input) yield answer(index++);
      } catch {
        yield answer(index);
      }
    };
    expect(await rulesOf(swallowing)).toContain("input-error");

    let calls = 0;
    const moody: RewardSource["score"] = async function* (input) {
      const reward = calls++;
      let index = 0;
      for await (const _ of input) yield { ...answer(index++), reward };
    };
    expect(await rulesOf(moody)).toContain("concurrent");

    const inventive: RewardSource["score"] = async function* (input) {
      let index = 0;
      for await (const _ of input) yield answer(index++);
      if (index === 0) yield answer(0);
    };
    expect(await rulesOf(inventive)).toContain("empty");
  });

  it("wants two requests", async () =>
    expect(checkRewardSource({ score: async function* () {} }, { requests: [] })).rejects.toThrow("give at least two"));
});
