import { selectBackend } from "@v-triune/backend";
import { createProcessor, loadVlm } from "@v-triune/policy";
import { createLocalRewardSource } from "@v-triune/rewards";
import {
  collectRollouts,
  createLocalEngine,
  createPromptMaker,
  createRandom,
} from "@v-triune/rollouts";
import { parseSample } from "@v-triune/schema";
import { createVerifierRegistry, mathverify } from "@v-triune/verifiers";
import sharp from "sharp";

await selectBackend({ prefer: "wasm" });
const folder = "node_modules/v-triune/assets/demo-model"; // or any Qwen-VL folder
const processor = createProcessor(folder);
const policy = await loadVlm(folder);

// A picture of two red squares.
const square = {
  create: { width: 18, height: 18, channels: 3 as const, background: "#e61e1e" },
};
const picture = await sharp({
  create: { width: 84, height: 84, channels: 3, background: "#7a7468" },
})
  .composite([
    { input: square, left: 5, top: 5 },
    { input: square, left: 61, top: 61 },
  ])
  .png()
  .toBuffer();
const sample = parseSample({
  data_source: "mine",
  images: [{ bytes: picture, path: null }],
  prompt: [{ role: "user", content: "<image>How many squares are there?" }],
  reward_model: { ground_truth: "\\boxed{2}", verifier: "mathverify" },
});
const makePrompt = createPromptMaker({ processor, pool: null, maxPromptTokens: null });
const prompt = await makePrompt(sample, "mine/1", createRandom(1));

const { rollouts } = await collectRollouts([prompt], {
  engine: createLocalEngine(policy),
  rewards: createLocalRewardSource(createVerifierRegistry([mathverify])),
  request: { n: 4, temperature: 1, topP: 1, topK: null, maxNewTokens: 24, seed: 1 },
  processor,
  context: {
    epsilon: 0.5,
    training: true,
    ratios: { accuracyRatio: null, formatRatio: null },
  },
});
for (const { response, result } of rollouts) {
  console.log(
    response.replaceAll(/\s+/g, " "),
    result.status === "scored" ? result.reward.toFixed(2) : result.reason,
  );
}
// <think> </think> <answer> \boxed{1} </answer> 0.09
// <think> </think> <answer> \boxed{2} </answer> 1.00
// <think> </think> <answer> \boxed{2} </answer> 1.00
// <think> </think> <answer> \boxed{2} </answer> 1.00
