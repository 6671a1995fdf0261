/** What `base: demo-zoom` stands for: the model, data and recipe of `demo --zoom`, the data drawn once for a sweep. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeHeldOutZoom, writeZoomTraining, zoomEasyShare, zoomPromptsPerStep } from "@v-triune/demo-tasks";
import { writeFileAtomic } from "@v-triune/training/run-folder";
import { zoomConfig } from "../demo/demo-config";
import { demoZoomModelFolder } from "../demo/run-demo";

const steps = 40;
const heldOutPerSource = 100;
/** The training data are the same for all seeds of a sweep; what differs is their order and the sampling. */
const dataSeed = 1;

/**
 * Writes `train.parquet`, `held-out.parquet` and `base.json` into a folder, unless they are there.
 *
 * @returns the configuration's path
 */
export async function writeZoomBase(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const [trainData, evalData] = [join(folder, "train.parquet"), join(folder, "held-out.parquet")];
  if (!existsSync(trainData)) await writeZoomTraining(trainData, steps * zoomPromptsPerStep, dataSeed, zoomEasyShare);
  if (!existsSync(evalData)) await writeHeldOutZoom(evalData, heldOutPerSource);
  const { optimizer, run, update, ...config } = zoomConfig({
    seed: 1,
    steps,
    backend: "auto",
    samplesPerSource: heldOutPerSource,
    modelFolder: demoZoomModelFolder,
    runFolder: folder,
    trainData,
    evalData,
  });
  const path = join(folder, "base.json");
  const base = {
    ...config,
    run: { steps: run.steps },
    update: { microBatchTokens: update.microBatchTokens },
    optimizer,
  };
  await writeFileAtomic(path, `${JSON.stringify(base, null, 2)}\n`);
  return path;
}
