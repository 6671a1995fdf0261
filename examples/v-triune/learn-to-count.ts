import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { parseSample } from "@v-triune/schema";
import sharp from "sharp";
import { resolveTrainingConfig, runTraining } from "v-triune";

// Six samples: pictures of one to three red squares, and how many there are.
const folder = mkdtempSync(join(tmpdir(), "learn-to-count-"));
const places = [5, 33, 61];
const square = {
  create: { width: 18, height: 18, channels: 3 as const, background: "#e61e1e" },
};
const samples = [1, 2, 3, 1, 2, 3].map(async (count, row) => {
  const picture = sharp({
    create: { width: 84, height: 84, channels: 3, background: "#7a7468" },
  }).composite(
    places.slice(0, count).map((left) => ({ input: square, left, top: places[row % 3]! })),
  );
  return parseSample({
    data_source: "squares",
    images: [{ bytes: await picture.png().toBuffer() }],
    prompt: [{ role: "user", content: "<image>How many squares are there?" }],
    reward_model: { ground_truth: `\\boxed{${count}}`, verifier: "mathverify" },
    extra_info: { id: String(row) },
  });
});
await writeSamples(join(folder, "train.parquet"), await Promise.all(samples));

const config = resolveTrainingConfig({
  model: "node_modules/v-triune/assets/demo-model", // or any Qwen-VL folder
  data: { train: join(folder, "train.parquet") },
  run: { name: "squares", folder: join(folder, "run"), steps: 12 },
  rollout: { promptsPerStep: 6, n: 8, maxNewTokens: 32 },
  optimizer: { lr: 3e-4 },
  backend: "wasm",
});
const rewards: number[] = [];
const { step } = await runTraining(config, {
  listen: (event) => event.type === "step" && rewards.push(event.summary.reward),
});
const [first = 0, last = 0] = [rewards[0], rewards.at(-1)];
console.log(
  `mean reward ${first.toFixed(1)} in step 1, ${last.toFixed(1)} in step ${step}`,
);
// mean reward 0.1 in step 1, 0.9 in step 12
