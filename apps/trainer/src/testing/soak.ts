/** Long runs: memory must not grow and no tensor be left behind. The demonstration's on wasm, a tiny one per family. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import { type demoFamilies, samplesForSteps, writeFamilyRun, writeTrainingData } from "@v-triune/demo-tasks";
import { runTraining } from "@v-triune/training";
import { type BackendSetting, resolveTrainingConfig, type WorkersSetting } from "@v-triune/training/config";
import { demoConfig } from "../demo/demo-config";
import { demoModelFolder } from "../demo/run-demo";

export interface SoakOptions {
  readonly steps: number;
  readonly seed: number;
  readonly workers: WorkersSetting;
  readonly print: (line: string) => void;
}

/** @returns whether memory grew by 5 % at most after the first quarter, and no tensor was left behind */
export async function soak({ steps, seed, workers, print }: SoakOptions): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-soak-"));
  const megabytes: number[] = [];
  const tensors: number[] = [];
  try {
    const trainData = join(folder, "train.parquet");
    // A tenth of what is drawn: pictures come round again and are prepared again.
    await writeTrainingData(trainData, samplesForSteps(steps / 10), seed);
    const config = demoConfig({
      seed,
      steps,
      backend: "wasm",
      samplesPerSource: 1,
      modelFolder: demoModelFolder,
      runFolder: join(folder, "run"),
      trainData,
      evalData: trainData,
    });
    await runTraining(
      {
        ...config,
        workers,
        data: { ...config.data, eval: [] },
        checkpoint: { ...config.checkpoint, every: 50, keep: 1 },
      },
      {
        listen: (event) => {
          if (event.type === "warning") print(event.message);
          if (event.type !== "step") return;
          megabytes.push(process.memoryUsage().rss / 2 ** 20);
          tensors.push(tf.memory().numTensors);
          if (event.summary.step % 20 === 0)
            print(
              `step ${String(event.summary.step).padStart(4)}  ${megabytes.at(-1)?.toFixed(0)} MB  ` +
                `${tensors.at(-1)} tensors`,
            );
        },
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const warmUp = Math.ceil(steps / 4);
  // Halves of what follows: single values swing with the garbage collector.
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const rest = megabytes.slice(warmUp);
  const [early, late] = [mean(rest.slice(0, rest.length / 2)), mean(rest.slice(rest.length / 2))];
  const growth = (100 * (late - early)) / early;
  const leaked = (tensors.at(-1) ?? 0) - (tensors[warmUp] ?? 0);
  print(
    `\n` +
      `resident memory ${early.toFixed(0)} MB, later ${late.toFixed(0)} MB ` +
      `(${growth >= 0 ? "+" : ""}${growth.toFixed(1)} %); tensors left behind in ${steps - warmUp} steps: ${leaked}`,
  );
  return growth <= 5 && leaked === 0;
}

export interface FamilySoakOptions {
  readonly family: (typeof demoFamilies)[number];
  readonly backend: BackendSetting;
  readonly steps: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

/** A run of a tiny model, everything trained, in this thread. @returns whether no tensor was left behind */
export async function soakFamily({ family, backend, steps, seed, print }: FamilySoakOptions): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-soak-"));
  try {
    const run = resolveTrainingConfig(await writeFamilyRun(folder, family, "run", steps));
    const trained = { vision: { freeze: false }, connector: { freeze: false } };
    const groups = Object.fromEntries(
      Object.entries(run.optimizer.groups).map(([name, group]) => [name, { ...group, ...trained[name as "vision"] }]),
    ) as unknown as typeof run.optimizer.groups;
    const tensors: number[] = [];
    const used = await selectBackend({ prefer: backend });
    const before = tf.memory().numTensors;
    await runTraining(
      {
        ...run,
        backend,
        run: { ...run.run, seed },
        data: { ...run.data, eval: [] },
        optimizer: { ...run.optimizer, groups },
      },
      { listen: ({ type }) => type === "step" && tensors.push(tf.memory().numTensors) },
    );
    const grown = tensors.at(-1)! - tensors[1]!;
    const left = tf.memory().numTensors - before;
    print(
      `${family} on ${used.description}: ${tensors.length} steps, ${tensors.at(-1)} tensors in use, ${grown} more than ` +
        `after the second step, ${left} left at the end`,
    );
    return grown === 0 && left === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
