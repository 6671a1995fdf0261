import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { createLocalRewardSource, type RewardSource } from "@v-triune/rewards";
import { checkRewardSource } from "@v-triune/rewards/conformance";
import { parseSample } from "@v-triune/schema";
import { createVerifierRegistry, mathverify } from "@v-triune/verifiers";
import { resolveTrainingConfig, runTraining } from "v-triune";

// The rewards of another source, less 0.1 for each 100 characters beyond a limit.
function concise(inner: RewardSource, limit: number): RewardSource {
  return {
    async *score(requests, options) {
      const lengths: number[] = [];
      async function* measured() {
        for await (const request of requests) {
          lengths.push(request.response.length);
          yield request;
        }
      }
      for await (const result of inner.score(measured(), options)) {
        const excess = Math.max(0, (lengths[result.index] ?? 0) - limit);
        yield result.status === "scored"
          ? { ...result, reward: result.reward - excess / 1000 }
          : result;
      }
    },
    async close() {
      await inner.close?.();
    },
  };
}

const judges = createVerifierRegistry([mathverify]);
const rewards = concise(createLocalRewardSource(judges), 20);
const sample = { groundTruth: "\\boxed{4}" };
const requests = ["\\boxed{4}", "\\boxed{5}", `${"so ".repeat(40)}\\boxed{4}`].map(
  (response) => ({ response, verifier: "mathverify", sample, formatRatio: 0 }),
);
const findings = await checkRewardSource(rewards, { requests });
console.log(findings); // an empty list: it keeps the contract
for await (const result of rewards.score(requests)) {
  console.log(result.index, result.status === "scored" ? result.reward : result.reason);
}

const folder = mkdtempSync(join(tmpdir(), "concise-"));
const samples = [2, 3].map((number) =>
  parseSample({
    data_source: "sums",
    prompt: [{ role: "user", content: `What is ${number} + ${number}?` }],
    reward_model: { ground_truth: `\\boxed{${2 * number}}`, verifier: "mathverify" },
  }),
);
await writeSamples(join(folder, "train.parquet"), samples);
const config = resolveTrainingConfig({
  model: "node_modules/v-triune/assets/demo-model", // or any Qwen2.5-VL folder
  data: { train: join(folder, "train.parquet") },
  run: { folder: join(folder, "run"), steps: 1 },
  rollout: { promptsPerStep: 2, n: 4, maxNewTokens: 8 },
  backend: "wasm",
});
const { step, lastStep } = await runTraining(config, { rewards });
await rewards.close?.();
console.log(`step ${step}, ${lastStep?.errors} errors`);
// []
// 0 1
// 1 0
// 2 0.891
// step 1, 0 errors
