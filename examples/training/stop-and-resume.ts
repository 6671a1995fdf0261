import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { parseSample } from "@v-triune/schema";
import { resolveTrainingConfig, runTraining } from "@v-triune/training";

const folder = mkdtempSync(join(tmpdir(), "training-"));
const samples = [2, 3, 4, 5].map((number) =>
  parseSample({
    data_source: "sums",
    images: [],
    prompt: [{ role: "user", content: `What is ${number} + ${number}?` }],
    reward_model: { ground_truth: `\\boxed{${2 * number}}`, verifier: "mathverify" },
  }),
);
await writeSamples(join(folder, "train.parquet"), samples);
const config = resolveTrainingConfig({
  model: "node_modules/v-triune/assets/demo-model", // or any Qwen-VL folder
  data: { train: join(folder, "train.parquet") },
  run: { name: "sums", folder: join(folder, "run"), steps: 4 },
  rollout: { promptsPerStep: 4, n: 4, maxNewTokens: 16 },
  backend: "wasm",
});

// What Ctrl-C sets: the run finishes its step, saves and ends.
const interruption = { requested: false };
const stopped = await runTraining(config, {
  interruption,
  listen: (event) => {
    if (event.type === "step") interruption.requested = event.summary.step === 2;
  },
});
console.log(`step ${stopped.step}, interrupted: ${stopped.interrupted}`);

// The same bytes as without the interruption.
const finished = await runTraining(config, { resume: true });
console.log(`step ${finished.step}, interrupted: ${finished.interrupted}`);
// step 2, interrupted: true
// step 4, interrupted: false
