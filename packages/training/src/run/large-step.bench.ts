/**
 * One GRPO step with pictures of published shapes with random weights: npm run bench -- large-step
 *
 * BENCH_MODELS=Qwen2-VL-2B,Qwen2.5-VL-3B chooses the shapes (`publishedModels`), BENCH_DTYPE=bfloat16 what the weights are
 * kept in, BENCH_BACKEND=wasm the backend. Each
 * checkpoint is written in bfloat16 to the temporary folder (4 to 8 GB), loaded and trained with LoRA in a process of
 * its own: one prompt, two answers of 8 tokens. Prints seconds and the process's peak of memory beside the estimate.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { freemem, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { BackendName } from "@v-triune/backend";
import { writeTinyRun } from "@v-triune/demo-tasks";
import { publishedModels } from "@v-triune/policy";
import { resolveTrainingConfig } from "../config/load-training-config";
import { estimateMemory } from "../model/memory-estimate";
import { modelArchitecture } from "../model/load-model";
import { writeRandomCheckpoint } from "../testing/random-checkpoint";
import { runTraining } from "./run-training";

const [mode, folder] = process.argv.slice(2);
const dtype = process.env.BENCH_DTYPE === "bfloat16" ? "bfloat16" : "float32";
/** Of a number, with what else a step takes. */
const BYTES = { float32: 4.5, bfloat16: 2.7 };
if (mode === "step") await step(folder!);
else for (const name of (process.env.BENCH_MODELS ?? "Qwen2-VL-2B").split(",")) await measure(name);

async function measure(name: string): Promise<void> {
  const model = publishedModels.find((published) => published.name === name);
  if (!model)
    throw new Error(`BENCH_MODELS names ${name}; there are ${publishedModels.map((known) => known.name).join(", ")}`);
  const least = BYTES[dtype] * model.parameters;
  if (least > freemem()) {
    console.log(
      `${name} is skipped: a step takes some ${(least / 1e9).toFixed(1)} GB, ${(freemem() / 1e9).toFixed(1)} GB are free.`,
    );
    return;
  }
  const home = mkdtempSync(join(tmpdir(), "v-triune-large-"));
  try {
    await writeRandomCheckpoint(join(home, "checkpoint"), model.config);
    console.log(
      `${name}: ${(model.parameters / 1e9).toFixed(2)} B parameters in ${dtype}, load ${loadavg()[0]!.toFixed(1)}`,
    );
    const step = [...process.execArgv, process.argv[1]!, "step", home];
    const { status, signal } = spawnSync(process.execPath, step, { stdio: "inherit" });
    if (status !== 0) {
      console.error(`${name}: the step failed (${signal ?? `exit code ${status}`})`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Trains the checkpoint of `home` by one step, and prints what it took. */
async function step(home: string): Promise<void> {
  const tiny = await writeTinyRun(home, "run", 1);
  const config = resolveTrainingConfig(
    {
      ...tiny,
      model: { path: join(home, "checkpoint"), adapter: { rank: 8, alpha: 16 }, dtype },
      data: { train: tiny.data.train },
      rollout: { ...tiny.rollout, promptsPerStep: 1, n: 2 },
      update: { miniBatch: 1, microBatchTokens: 1024 },
      backend: (process.env.BENCH_BACKEND ?? "tensorflow") as BackendName,
    },
    home,
  );
  const start = performance.now();
  const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  const peak = (): string => gigabytes(process.resourceUsage().maxRSS * 1024);
  await runTraining(config, {
    listen(event) {
      if (event.type === "started")
        console.log(`  loaded after ${seconds()}, peak ${peak()}, ${event.trainable.toLocaleString("en-US")} trained`);
      if (event.type === "warning") console.log(`  ${event.message}`);
      if (event.type === "step") console.log(`  step done after ${seconds()}, peak ${peak()}`, event.summary);
    },
  });
  const estimate = estimateMemory(config, await modelArchitecture(config.model));
  console.log(`  run done after ${seconds()}, peak ${peak()}, estimate ${gigabytes(estimate.total)}`);
}
