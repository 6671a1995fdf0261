import type { Verifier } from "@v-triune/verifiers";
import { checkVerifier } from "@v-triune/verifiers/conformance";

const isPalindrome = (text: string) => text === [...text].reverse().join("");

const palindrome: Verifier = {
  name: "palindrome",
  verify: (response) => ({
    status: "scored",
    accuracy: typeof response === "string" && isPalindrome(response) ? 1 : 0,
    format: 1,
    metrics: {},
  }),
};

const findings = checkVerifier(palindrome, {
  samples: [{ groundTruth: "" }],
  right: [["abba", { groundTruth: "" }]],
  wrong: [["abca", { groundTruth: "" }]],
});
console.log(findings); // an empty list: it keeps the contract
// []
