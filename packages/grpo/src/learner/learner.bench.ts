/**
 * What an update costs besides the model: the loss on the host, gradient norms, AdamW, and the learner around them.
 *
 *     npm run bench -- grpo/src/learner
 */
import * as tf from "@tensorflow/tfjs-core";
import { countBatch } from "../losses/aggregation";
import { gspo } from "../losses/gspo";
import { evaluateObjective } from "../losses/objective";
import { ppoClip } from "../losses/ppo-clip";
import { createAdamW } from "../optimizer/adamw";
import { sumOfSquares } from "../optimizer/gradient-norms";
import { useTestBackend } from "../testing/test-backend";
import { createBanditPolicy } from "../testing/bandit-policy";
import { createLearner } from "./learner";

/** The median time of one call in ms, over a second of them. */
function median(run: () => unknown): number {
  for (let i = 0; i < 3; i++) run();
  const times: number[] = [];
  const end = performance.now() + 1000;
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

function report(name: string, run: () => unknown): void {
  console.log(`${name.padEnd(64)} ${median(run).toFixed(2).padStart(9)} ms`);
}

await useTestBackend();
console.log(`backend ${tf.getBackend()}`);

const [rows, width] = [1024, 512];
const size = rows * width;
const wave = (seed: number) => Float64Array.from({ length: size }, (_, i) => -1 + 0.5 * Math.sin(seed + i));
const mask = Float64Array.from({ length: size }, (_, i) => (i % width < 64 + ((i >> 9) % 400) ? 1 : 0));
const batch = { rows, width, mask, logProbs: wave(1), oldLogProbs: wave(2), refLogProbs: wave(3), advantages: wave(4) };
const counts = countBatch(mask, width);
report("PPO loss with gradient, 1,024 × 512 tokens", () => evaluateObjective(batch, { policyLoss: ppoClip() }, counts));
report("GSPO loss with gradient and k3, 1,024 × 512 tokens", () =>
  evaluateObjective(batch, { policyLoss: gspo(), kl: { coefficient: 0.01 } }, counts),
);

// The shapes of a 4-layer language model of hidden 128 beside a 3-layer vision tower: 1.2 M parameters in 89 tensors.
const shapes: number[][] = [[176, 128], [128], [384, 384], [128, 384], [1176, 96]];
for (let layer = 0; layer < 4; layer++)
  shapes.push(
    [128, 128],
    [64, 128],
    [64, 128],
    [128, 128],
    [256, 128],
    [256, 128],
    [128, 256],
    [128],
    [128],
    [128],
    [64],
    [64],
  );
for (let layer = 0; layer < 3; layer++)
  shapes.push([288, 96], [96, 96], [192, 96], [192, 96], [96, 192], [96], [96], [288], [96], [192], [192], [96]);
const targets = shapes.map((shape, i) => ({
  name: `p${i}`,
  variable: tf.tidy(() => tf.variable(tf.randomNormal(shape, 0, 1, "float32", i))),
  gradient: tf.randomNormal(shape, 0, 1, "float32", 1000 + i),
  learningRate: 1e-4,
}));
const parameters = targets.reduce((sum, target) => sum + target.variable.size, 0);
const optimizer = createAdamW();
report(`AdamW, ${parameters} parameters in ${shapes.length} tensors`, () => optimizer.step(targets, 0.5));
report("gradient norms of the same", () => targets.forEach(({ gradient }) => sumOfSquares(gradient)));

const policy = createBanditPolicy({ states: 8, positions: 16, vocabulary: 64 });
const learner = createLearner({ policy, optimizer: { learningRate: 1e-3 } });
const rollouts = Array.from({ length: 64 }, (_, i) => ({
  row: { state: i % 8, completionIds: Int32Array.from({ length: 16 }, (__, t) => (i * 7 + t) % 64) },
  advantage: Math.sin(i),
}));
report("a whole update of a bandit, 64 rollouts × 16 tokens", () => learner.update(rollouts));
