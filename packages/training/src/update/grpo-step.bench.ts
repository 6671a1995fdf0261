/**
 * One GRPO step without the run around it, on the dimensions that docs/performance.md compares with TRL: 4 prompts with
 * pictures, 8 rollouts each, 64 tokens a rollout; all 1.15 million parameters trained by AdamW.
 * node tools/run.mjs packages/training/src/update/grpo-step.bench.ts [wasm|tensorflow]. Prints one JSON line.
 */
import { join, resolve } from "node:path";
import { selectBackend, type BackendName } from "@v-triune/backend";
import { createLearner, groupAdvantages } from "@v-triune/grpo";
import { createVlm, randomWeights, readModelConfig, type PromptInput, type TokenizedRollout } from "@v-triune/policy";

const STEPS = 24;
const ROLLOUTS = 8;
const NEW_TOKENS = 64;
/** Patches of each picture (56 × 56 to 112 × 112 pixels) and the length of its prompt. */
const PICTURES = [
  [4, 4, 29],
  [6, 6, 34],
  [8, 8, 41],
  [4, 8, 33],
] as const;

const backend = await selectBackend({ prefer: (process.argv[2] ?? "auto") as BackendName | "auto" });
const config = readModelConfig(join(resolve(import.meta.dirname, "../../../.."), "tools/peers/tiny-qwen2_5_vl"));
const policy = createVlm(config, randomWeights(config, { seed: 1 }));
const learner = createLearner({ policy, optimizer: { learningRate: 1e-4 }, microBatch: { tokens: 16_384 } });

const patchValues = config.vision.inChannels * config.vision.temporalPatchSize * config.vision.patchSize ** 2;
const prompts = PICTURES.map(([height, width, length], p): PromptInput => {
  const promptIds = Int32Array.from({ length }, (_, t) => 7 + ((p * 7919 + t * 104729) % 590));
  promptIds.fill(config.imageTokenId, 4, 4 + (height * width) / 4);
  return {
    promptIds,
    images: {
      pixelValues: Float32Array.from({ length: height * width * patchValues }, (_, i) => Math.sin(0.37 * i + p)),
      gridThw: [[1, height, width]],
    },
  };
});

const seconds: { step: number; generate: number; update: number }[] = [];
for (let step = 0; step < STEPS; step++) {
  const start = performance.now();
  const rows: TokenizedRollout[] = Array.from({ length: prompts.length * ROLLOUTS });
  for await (const { promptIndex, sampleIndex, tokenIds } of policy.generate(prompts, {
    n: ROLLOUTS,
    maxNewTokens: NEW_TOKENS,
    seed: step,
    stopTokenIds: [],
    bannedTokenIds: [config.imageTokenId, config.videoTokenId],
  })) {
    rows[promptIndex * ROLLOUTS + sampleIndex] = {
      ...prompts[promptIndex]!,
      group: promptIndex,
      completionIds: tokenIds,
    };
  }
  const generated = performance.now();
  // A reward that differs inside each group, so that every rollout has an advantage.
  const rewards = rows.map(
    ({ completionIds }) => completionIds.reduce((sum, id) => sum + (id % 7), 0) / completionIds.length,
  );
  const advantages = groupAdvantages(
    rewards,
    rows.map((_, i) => Math.floor(i / ROLLOUTS)),
  );
  learner.update(rows.map((row, i) => ({ row, advantage: advantages[i]! })));
  const end = performance.now();
  seconds.push({ step: (end - start) / 1000, generate: (generated - start) / 1000, update: (end - generated) / 1000 });
}
const first = seconds[0]!;
const rest = seconds.slice(1);
const least = (part: keyof typeof first): number => Number(Math.min(...rest.map((each) => each[part])).toFixed(3));
const median = rest.map(({ step }) => step).sort((a, b) => a - b)[Math.floor(rest.length / 2)]!;
console.log(
  JSON.stringify({
    what: "GRPO step, 4 pictures × 8 rollouts × 64 tokens",
    backend: backend.tfjsName,
    firstStep: Number(first.step.toFixed(3)),
    step: least("step"),
    median: Number(median.toFixed(3)),
    generate: least("generate"),
    update: least("update"),
    tokensPerSecond: Math.round((32 * NEW_TOKENS) / least("step")),
    memoryMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    ready: Number((process.uptime() - seconds.reduce((sum, each) => sum + each.step, 0)).toFixed(2)),
  }),
);
learner.dispose();
policy.dispose();
