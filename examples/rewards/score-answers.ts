import { createLocalRewardSource } from "@v-triune/rewards";
import { createVerifierRegistry, mathverify } from "@v-triune/verifiers";

const source = createLocalRewardSource(createVerifierRegistry([mathverify]));
const requests = ["\\boxed{4}", "\\boxed{5}"].map((response) => ({
  response,
  verifier: "mathverify",
  sample: { groundTruth: "\\boxed{4}" },
  formatRatio: 0,
}));

for await (const result of source.score(requests)) {
  if (result.status === "scored") console.log(result.index, result.reward);
  else console.log(result.index, result.status, result.reason); // leave it out and count it
}
// 0 1
// 1 0
