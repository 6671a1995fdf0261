import { collectRewards } from "@v-triune/rewards";
import { createIsolatedRewardSource } from "@v-triune/rewards/isolated";

const source = await createIsolatedRewardSource({
  verifiers: [
    { module: import.meta.resolve("@v-triune/rewards/builtin-verifiers") },
    { module: new URL("./hanging-verifier.ts", import.meta.url).href },
  ],
  workers: 1,
  deadlineMs: 500,
});
const sample = { groundTruth: "\\boxed{4}" };
const results = await collectRewards(source, [
  { response: "\\boxed{4}", verifier: "hanging", sample },
  { response: "\\boxed{4}", verifier: "mathverify", sample, formatRatio: 0 },
]);
for (const result of results) {
  console.log(result.status === "scored" ? result.reward : result.reason.split(":")[0]);
}
await source.close();
// timeout
// 1
