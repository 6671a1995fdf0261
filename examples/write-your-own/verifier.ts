import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { parseSample } from "@v-triune/schema";
import type { Verifier } from "@v-triune/verifiers";
import { checkVerifier } from "@v-triune/verifiers/conformance";
import { extractAnswer } from "@v-triune/verifiers/format";
import { resolveTrainingConfig, runTraining } from "v-triune";

// "red, blue and green" in any order: the F1 score of the named things.
const namesOf = (text: unknown) =>
  new Set(
    (typeof text === "string" ? text : "")
      .toLowerCase()
      .split(/,|;|\band\b/)
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  );
const listed: Verifier = {
  name: "listed",
  verify(response, { groundTruth }) {
    const gold = namesOf(groundTruth);
    if (gold.size === 0) return { status: "skipped", reason: "the gold answer is empty" };
    const found = namesOf(extractAnswer(String(response)));
    const right = [...found].filter((name) => gold.has(name)).length;
    const accuracy = (2 * right) / (gold.size + found.size);
    return { status: "scored", accuracy, format: 1, metrics: { named: found.size } };
  },
};

const groundTruth = "red, green, blue";
const findings = checkVerifier(listed, {
  samples: [{ groundTruth }],
  right: [["<answer>Blue, red and green</answer>", { groundTruth }]],
  wrong: [["<answer>yellow</answer>", { groundTruth }]],
});
console.log(findings); // an empty list: it keeps the contract

// Samples name it, and the run is given it.
const folder = mkdtempSync(join(tmpdir(), "listed-"));
const verifiers = [listed.name];
const samples = ["red, green", "blue, red"].map((colors) =>
  parseSample(
    {
      data_source: "colors",
      prompt: [{ role: "user", content: "Which colors are in the list?" }],
      reward_model: { ground_truth: colors, verifier: listed.name },
    },
    { verifiers },
  ),
);
await writeSamples(join(folder, "train.parquet"), samples, { verifiers });
const config = resolveTrainingConfig({
  model: "node_modules/v-triune/assets/demo-model", // or any Qwen2.5-VL folder
  data: { train: join(folder, "train.parquet") },
  run: { folder: join(folder, "run"), steps: 1 },
  rollout: { promptsPerStep: 2, n: 4, maxNewTokens: 8 },
  backend: "wasm",
});
const { step, lastStep } = await runTraining(config, { verifiers: [listed] });
console.log(`step ${step}, ${lastStep?.errors} errors`);
// []
// step 1, 0 errors
