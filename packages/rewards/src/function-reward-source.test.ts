import { describe, expect, it } from "vitest";
import { checkRewardSource } from "./conformance";
import { createFunctionRewardSource } from "./function-reward-source";
import { collectRewards, type RewardRequest } from "./reward-source";

const request = (response: string): RewardRequest => ({ response, verifier: "any", sample: { groundTruth: "" } });
const source = createFunctionRewardSource(async ({ response }) => {
  if (response === "throw") throw new TypeError("boom");
  if (response === "null") return null;
  if (response === "skip") return { status: "skipped", reason: "mine" };
  return Number(response);
});

describe("createFunctionRewardSource", () => {
  it("conforms", async () =>
    expect(await checkRewardSource(source, { requests: ["1", "0.5", "null", "throw"].map(request) })).toEqual([]));

  it("takes numbers, null, outcomes and throws for what they are", async () => {
    expect(await collectRewards(source, ["0.5", "null", "skip", "throw", "x"].map(request))).toEqual([
      { index: 0, status: "scored", reward: 0.5, accuracy: 0.5, format: 0, metrics: {} },
      { index: 1, status: "skipped", reason: "the reward function returned null" },
      { index: 2, status: "skipped", reason: "mine" },
      { index: 3, status: "error", reason: "crash: TypeError: boom", code: "crash" },
      { index: 4, status: "error", reason: "crash: the reward function returned NaN", code: "crash" },
    ]);
  });

  it("calls no more at once than told, and says when an answer is not wanted any more", async () => {
    let [running, most, dropped] = [0, 0, 0];
    const slow = createFunctionRewardSource(
      async (_, signal) => {
        most = Math.max(most, ++running);
        signal.addEventListener("abort", () => void dropped++);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
        return 1;
      },
      { parallel: 3 },
    );
    await collectRewards(
      slow,
      Array.from({ length: 10 }, () => request("1")),
    );
    expect(most).toBe(3);
    for await (const result of slow.score(Array.from({ length: 10 }, () => request("1")))) {
      expect(result.status).toBe("scored");
      break;
    }
    expect(dropped).toBeGreaterThan(0);
    expect(() => createFunctionRewardSource(() => 1, { parallel: 0 })).toThrow("parallel is 0");
  });
});
