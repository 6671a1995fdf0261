// npm run soak [-- --steps 200 --workers auto --seed 1]: the demonstration's run on wasm, long; memory must not grow and no tensor be left behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { demoConfig, promptsPerStep } from "../apps/trainer/src/demo/demo-config";
import { writeTrainingData } from "../apps/trainer/src/demo/demo-data";
import { demoModelFolder } from "../apps/trainer/src/demo/run-demo";
import { demoSourceNames } from "../apps/trainer/src/demo/sources/index";
import { runTraining } from "../apps/trainer/src/training/run-training";

const { values } = parseArgs({ options: { steps: { type: "string", default: "200" }, workers: { type: "string", default: "auto" }, seed: { type: "string", default: "1" } } });
const [steps, seed] = [Number(values.steps), Number(values.seed)];
const workers = values.workers === "auto" ? "auto" : Number(values.workers);
/** Steps until caches, heaps and compiled code have their size. */
const warmUp = Math.ceil(steps / 4);

const folder = mkdtempSync(join(tmpdir(), "v-triune-soak-"));
const megabytes: number[] = [];
const tensors: number[] = [];
try {
  const trainData = join(folder, "train.parquet");
  // A tenth of an epoch's worth: pictures are prepared anew each time they come round.
  await writeTrainingData(trainData, Math.ceil((steps * promptsPerStep) / demoSourceNames.length / 10), seed);
  const config = demoConfig({ seed, steps, backend: "wasm", samplesPerSource: 1, modelFolder: demoModelFolder, runFolder: join(folder, "run"), trainData, evalData: trainData });
  await runTraining({ ...config, workers, data: { ...config.data, eval: [] }, checkpoint: { every: 50, keep: 1, keepBest: null } }, {
    listen: (event) => {
      if (event.type === "warning") console.log(event.message);
      if (event.type !== "step") return;
      megabytes.push(process.memoryUsage().rss / 2 ** 20);
      tensors.push(tf.memory().numTensors);
      if (event.summary.step % 20 === 0) console.log(`step ${String(event.summary.step).padStart(4)}  ${megabytes.at(-1)?.toFixed(0)} MB  ${tensors.at(-1)} tensors`);
    },
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// Halves of what follows the warm-up: single values swing with the garbage collector.
const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
const rest = megabytes.slice(warmUp);
const [early, late] = [mean(rest.slice(0, rest.length / 2)), mean(rest.slice(rest.length / 2))];
const growth = (100 * (late - early)) / early;
const leaked = (tensors.at(-1) ?? 0) - (tensors[warmUp] ?? 0);
console.log(`\nresident memory ${early.toFixed(0)} MB, later ${late.toFixed(0)} MB (${growth >= 0 ? "+" : ""}${growth.toFixed(1)} %); tensors left behind in ${steps - warmUp} steps: ${leaked}`);
process.exit(growth <= 5 && leaked === 0 ? 0 : 1);
