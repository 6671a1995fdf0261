/**
 * Prints what one step of the demonstration costs on each backend that works here: node tools/run.mjs
 * apps/trainer/src/demo/demo.bench.ts
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { selectBackend } from "@v-triune/backend";
import { writeHeldOutData, writeTrainingData } from "@v-triune/demo-tasks";
import { type StepSummary, runTraining } from "@v-triune/training";
import { demoConfig } from "./demo-config";
import { demoModelFolder } from "./run-demo";

const steps = 12;
const backends = ["wasm", "tensorflow"] as const;

async function measure(backend: (typeof backends)[number]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "v-triune-bench-"));
  try {
    const trainData = join(folder, "train.parquet");
    const evalData = join(folder, "eval.parquet");
    await writeTrainingData(trainData, 2 * steps, 1);
    await writeHeldOutData(evalData, 1);
    const config = demoConfig({
      seed: 1,
      steps,
      backend,
      samplesPerSource: 1,
      modelFolder: demoModelFolder,
      runFolder: join(folder, "run"),
      trainData,
      evalData,
    });
    const done: StepSummary[] = [];
    await runTraining(
      { ...config, data: { ...config.data, eval: [] } },
      { listen: (event) => event.type === "step" && done.push(event.summary) },
    );
    // The first steps compile and warm caches. The fastest of each phase is what the machine can do undisturbed.
    const measured = done.slice(2);
    const least = (pick: (summary: StepSummary) => number) => Math.min(...measured.map(pick));
    const most = (pick: (summary: StepSummary) => number) => Math.max(...measured.map(pick));
    const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(0)} ms`;
    console.log(
      [
        backend.padEnd(11),
        `step ${milliseconds(least(({ seconds }) => seconds.total))}`,
        `generate ${milliseconds(least(({ seconds }) => seconds.generate))} ` +
          `(${most(({ seconds, tokens }) => tokens.generated / seconds.generate).toFixed(0)} tokens/s)`,
        `rewards ${milliseconds(least(({ seconds }) => seconds.reward))}`,
        `update ${milliseconds(least(({ seconds }) => seconds.update))}`,
        `peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
      ].join("  "),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [only] = process.argv.slice(2);
if (only !== undefined) {
  await measure(only as (typeof backends)[number]);
} else {
  console.log("one step: 14 prompts × 8 rollouts, pictures of 9 tokens, 1.2 M parameters; the fastest of 10");
  for (const backend of backends) {
    try {
      await selectBackend({ prefer: backend });
    } catch {
      console.log(`${backend.padEnd(11)} not here: npx v-triune doctor says how to get it`);
      continue;
    }
    spawnSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), backend], { stdio: "inherit" });
  }
}
