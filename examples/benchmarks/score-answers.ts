import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchmarks, meanScore } from "@v-triune/benchmarks";

// A copy of OVDEval with one question; the real one lies where you downloaded it.
const folder = mkdtempSync(join(tmpdir(), "ovdeval-"));
const color = {
  images: [{ id: 1, file_name: "1.jpg", width: 100, height: 100, text: ["red car"] }],
  categories: [{ id: 1, name: "red car" }],
  annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [10, 10, 50, 50], area: 2500 }],
};
writeFileSync(join(folder, "color.json"), JSON.stringify(color));

const benchmark = benchmarks.find(({ name }) => name === "ovdeval");
const { items } = await benchmark!.open(folder);
const scored = items.map((item) => {
  // Ask your model item.prompt with item.pictures().
  const response = "<answer>[{'bbox_2d': [10, 10, 60, 60], 'label': 'red car'}]</answer>";
  return { item, answer: item.score(response, [{ width: 100, height: 100 }]) };
});
console.log(benchmark!.metric);
console.log(`${scored.length} question, mean score ${meanScore(scored).toFixed(2)}`);
// NMS-AP (om-ai-lab/OVDEval eval.py), mean over the sub-tasks
// 1 question, mean score 1.00
