import type { Conversation, Rollout } from "@v-triune/rollouts";
import { expect, it } from "vitest";
import { TOOL_REWARD_DEFAULTS } from "../config/default-config";
import { payTools } from "./tool-rewards";

type Call = Conversation["turns"][number]["calls"][number];
const call = (over: Partial<Call> = {}): Call => ({ tool: "crop", arguments: {}, text: "", pictures: [], ...over });
const failed = call({ fault: "unknown tool", text: "error: unknown tool" });
/** A quarter of the picture, of which the gold box takes a quarter. */
const looked = call({ lookedAt: { picture: 0, box: [0, 0, 500, 500] } });

function rollout(accuracy: number | null, calls: readonly Call[], parameters: object = {}): Rollout {
  return {
    promptIndex: 0,
    sampleIndex: 0,
    prompt: {
      sample: {
        images: [{}],
        reward_model: { verifier: "answer", verifier_parm: { look_at: [[250, 250, 500, 500]], ...parameters } },
      },
    },
    result:
      accuracy === null
        ? { status: "error", reason: "x" }
        : { status: "scored", accuracy, format: 1, reward: accuracy },
    conversation: { end: "answer", turns: [{ text: "", tokens: 1, shownTokens: 1, calls }] },
  } as unknown as Rollout;
}

const all = {
  ...TOOL_REWARD_DEFAULTS,
  whenRight: 1,
  curiosity: 2,
  curiosityTarget: 0.75,
  faithfulness: 0.5,
  callCost: 0.1,
};

it("pays each term by its weight, and a right answer only if a call came to something", () => {
  const group = [rollout(1, [looked, looked, looked]), rollout(0, [looked]), rollout(1, [failed]), rollout(1, [])];
  const paid = payTools(group, all);
  // Half of the group used a tool.
  expect(paid.map(({ toolRewards }) => toolRewards)).toEqual([
    { tool_when_right: 1, tool_curiosity: 0.5, tool_faithfulness: 0.5, tool_cost: -0.2 },
    { tool_when_right: 0, tool_curiosity: 0.5, tool_faithfulness: 0.5, tool_cost: 0 },
    { tool_when_right: 0, tool_curiosity: 0, tool_faithfulness: 0, tool_cost: 0 },
    { tool_when_right: 0, tool_curiosity: 0, tool_faithfulness: 0, tool_cost: 0 },
  ]);
  expect(paid.map(({ result }) => (result.status === "scored" ? result.reward : null))).toEqual([2.8, 1, 1, 1]);
  const [byIou] = payTools(group, { ...TOOL_REWARD_DEFAULTS, faithfulness: 1, faithfulnessBy: "iou" });
  expect(byIou!.toolRewards).toEqual({ tool_faithfulness: 0.25 });
});

it("pays nothing for what is not configured, not scored, or no conversation, and a sample by its own weights", () => {
  const plain = [rollout(1, [looked]), rollout(null, [looked])];
  expect(payTools(plain, null)).toEqual(plain);
  expect(payTools(plain, all)[1]).toBe(plain[1]);
  const { conversation: _, ...oneTurn } = plain[0]!;
  expect(payTools([oneTurn], all)[0]).toBe(oneTurn);
  const own = [rollout(1, [looked], { tool_reward: { whenRight: 3 } })];
  expect(payTools(own, null)[0]!.toolRewards).toEqual({ tool_when_right: 3 });
  expect(payTools(own, { ...all, curiosity: 0, faithfulness: 0, callCost: 0 })[0]!.toolRewards).toEqual({
    tool_when_right: 3,
  });
});
