import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSamples, writeSamples } from "@v-triune/data-filters";
import { parseSample } from "@v-triune/schema";

const path = join(mkdtempSync(join(tmpdir(), "corpus-")), "train_counting_mine_2.parquet");
const samples = ["3", "5"].map((answer) =>
  parseSample({
    data_source: "mine",
    images: [],
    prompt: [{ role: "user", content: "How many?" }],
    reward_model: { ground_truth: `\\boxed{${answer}}`, verifier: "mathverify" },
  }),
);
await writeSamples(path, samples);
for await (const { reward_model } of readSamples(path))
  console.log(reward_model.ground_truth);
// \boxed{3}
// \boxed{5}
