import { auditVerifier } from "@v-triune/rewards/audit";
import { answer, type Verifier } from "@v-triune/verifiers";

/** Looks for the gold answer in the response. Models find out soon. */
const contains: Verifier = {
  name: "contains",
  verify: (response, { groundTruth }) => ({
    status: "scored",
    accuracy: response.includes(groundTruth) ? 1 : 0,
    format: 0,
    metrics: {},
  }),
};

const golds = ["12", "7", "5 cm", "May 2016", "red"].map((gold) => ({ gold }));
for (const verifier of [contains, answer]) {
  const { falsePasses, exploits } = await auditVerifier(verifier, golds);
  const [worst] = exploits;
  console.log(
    verifier.name,
    falsePasses.wrong > 0,
    worst === undefined ? "no exploit" : worst.share,
  );
}
// contains true 0.6
// answer false no exploit
