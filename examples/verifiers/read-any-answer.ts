import { explain } from "@v-triune/verifiers/answer";

const response = "<think>Is it \\boxed{4 cm}? No.</think> The width is **50 mm**.";
const { verdict, reason, gold, places } = explain("5 cm", response);
console.log(verdict, "because", reason);
console.log("gold answer read as a", gold?.type);
for (const { how, text, comparison } of places ?? [])
  console.log(how, "|", text, "|", comparison?.read ?? "not read");
// right because 5 on both sides
// gold answer read as a number
// whole text | The width is **50 mm**. | not read
// emphasis | 50 mm | number
