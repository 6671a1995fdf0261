import { createScoreHandler } from "@v-triune/rewards";
import { answer, mathverify } from "@v-triune/verifiers";

const grade = createScoreHandler({ verifiers: [answer, mathverify], token: "secret" });

const requests = [
  { response: "It is \\boxed{50\\text{ mm}}.", verifier: "answer", ground_truth: "5 cm" },
];
const request = new Request("https://grader.example/v1/score", {
  method: "POST",
  headers: { authorization: "Bearer secret" },
  body: JSON.stringify({ requests }),
});
const { results } = JSON.parse(await (await grade(request)).text());
console.log(results[0].status, results[0].accuracy);
// scored 1
