import { DatasetError, parseSample, sources } from "@v-triune/schema";

const sample = parseSample({
  data_source: "my_counts",
  images: [{ path: "shapes/1.png" }],
  prompt: [{ role: "user", content: "<image>How many circles are there?" }],
  reward_model: { ground_truth: "\\boxed{3}", verifier: "mathverify" },
});
console.log(sample.reward_model.accuracy_ratio, sample.reward_model.format_ratio); // the defaults
console.log(sources.filter((source) => source.task === "chart").length);

try {
  parseSample({ ...sample, images: [] }, { file: "mine.jsonl", row: 0 });
} catch (error) {
  if (error instanceof DatasetError) console.log(error.message.split("\n")[0]);
}
// 1 0.1
// 4
// mine.jsonl, row 0, field images
