import { answer } from "@v-triune/verifiers";

const rows = [
  { gold: "5 cm", response: "The width is \\boxed{50\\text{ mm}}." },
  { gold: "May 2016", response: "It was June 2016." },
  { gold: "", response: "4" },
];
for (const { gold, response } of rows) {
  const verdict = answer.verify(response, { groundTruth: gold });
  if (verdict.status === "scored") console.log(verdict.accuracy);
  else console.log(verdict.status);
}
// 1
// 0
// skipped
