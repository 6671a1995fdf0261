/**
 * `v-triune sweep`: the runs of a sweep, one after the other or several at once, each in its own folder under the
 * sweep's:
 *
 *     sweeps/freeze/
 *       runs/vit_seed-1/      a run folder like any other
 *       configs/              what each run was started with
 *       demo/                 data of `base: demo`
 *       results.json, results.csv
 *
 * Called again, it skips the runs that are finished and goes on with the others from their last checkpoints.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TrainingEvent } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import {
  checkResumedConfig,
  listCheckpointSteps,
  readRunDescription,
  takeRunLock,
  writeFileAtomic,
} from "@v-triune/training/run-folder";
import { type ChildRun, type Launcher, startChildRun } from "./child-run";
import { demoVariables, writeDemoBase } from "./demo-base";
import { type RunResult, readRunResult } from "./run-result";
import type { SweepFile } from "./sweep-file";
import { type PlannedRun, planSweep } from "./sweep-plan";
import { type SweepResults, formatSweepCsv, summarizeRuns } from "./sweep-results";
import { writeZoomBase } from "./zoom-base";

/** What a sweep tells whoever watches it. */
export type SweepEvent =
  | {
      readonly type: "planned";
      readonly folder: string;
      readonly runs: number;
      readonly finished: number;
      readonly steps: number;
    }
  | { readonly type: "run-started"; readonly name: string; readonly resumed: boolean }
  | { readonly type: "run-event"; readonly name: string; readonly event: TrainingEvent }
  | { readonly type: "run-ended"; readonly result: RunResult };

export interface RunSweepOptions {
  readonly sweep: SweepFile;
  /** The sweep's folder; made where it is missing. */
  readonly folder: string;
  /** Runs at the same time. */
  readonly jobs: number;
  /** How the command is started for a run. */
  readonly launcher: Launcher;
  readonly listen?: (event: SweepEvent) => void;
  /** Aborted: the runs under way finish their step and save, no other is begun. */
  readonly signal?: AbortSignal;
  /** What relative paths of overrides start from. */
  readonly cwd?: string;
}

export interface SweepOutcome {
  readonly results: SweepResults;
  readonly interrupted: boolean;
}

/**
 * The runs of a sweep with their configurations, and the demonstration's data where they are the base.
 *
 * @param demo where those data go
 * @throws ConfigError for a configuration that can't be used
 */
export async function prepareSweep(
  sweep: SweepFile,
  folder: string,
  cwd: string = process.cwd(),
  demo: string = join(folder, "demo"),
): Promise<PlannedRun[]> {
  if (sweep.base === "demo") return planSweep(sweep, await writeDemoBase(demo), folder, demoVariables(demo), cwd);
  const base = sweep.base === "demo-zoom" ? await writeZoomBase(demo) : sweep.base;
  return planSweep(sweep, base, folder, {}, cwd);
}

/**
 * Runs what is not finished yet and writes results.json and results.csv, also when it was interrupted.
 *
 * @throws ConfigError for a configuration that can't be used, before any run begins
 * @throws RunFolderError when another sweep uses the folder, or when a run in it was made with another configuration
 */
export async function runSweep(options: RunSweepOptions): Promise<SweepOutcome> {
  const { sweep, folder, jobs, signal, listen = () => {}, cwd = process.cwd() } = options;
  for (const name of ["runs", "configs"]) await mkdir(join(folder, name), { recursive: true });
  const lock = await takeRunLock(folder);
  try {
    const planned = await prepareSweep(sweep, folder, cwd);
    const finished = new Set<string>();
    for (const run of planned) if (await isFinished(run.config)) finished.add(run.name);
    listen({
      type: "planned",
      folder,
      runs: planned.length,
      finished: finished.size,
      steps: planned.reduce((sum, { config }) => sum + config.run.steps, 0),
    });
    const problems = new Map<string, string>();
    const waiting = planned.filter(({ name }) => !finished.has(name));
    const active = new Set<ChildRun>();
    const stop = (): void => active.forEach((child) => child.stop());
    signal?.addEventListener("abort", stop);
    const worker = async (): Promise<void> => {
      for (;;) {
        const run = options.signal?.aborted ? undefined : waiting.shift();
        if (run === undefined) return;
        const problem = await oneRun(run, options, active);
        if (problem !== undefined) problems.set(run.name, problem);
        listen({ type: "run-ended", result: await resultOf(run, problems.get(run.name)) });
      }
    };
    try {
      await Promise.all(Array.from({ length: jobs }, worker));
    } finally {
      signal?.removeEventListener("abort", stop);
    }
    const runs: RunResult[] = [];
    for (const run of planned) runs.push(await resultOf(run, problems.get(run.name)));
    const results: SweepResults = {
      format: 1,
      name: sweep.name,
      question: sweep.question,
      axes: sweep.axes.map(({ name }) => name),
      seeds: sweep.seeds,
      summary: summarizeRuns(runs),
      runs,
    };
    await writeFileAtomic(join(folder, "results.json"), `${JSON.stringify(results, null, 1)}\n`);
    await writeFileAtomic(join(folder, "results.csv"), formatSweepCsv(runs, results.axes));
    return { results, interrupted: signal?.aborted ?? false };
  } finally {
    await lock.release();
  }
}

/** @returns what went wrong; undefined when it ended well or was interrupted */
async function oneRun(
  run: PlannedRun,
  { folder, launcher, listen = () => {} }: RunSweepOptions,
  active: Set<ChildRun>,
): Promise<string | undefined> {
  const path = join(folder, "configs", `${run.name}.json`);
  await writeFileAtomic(path, `${JSON.stringify(run.config, null, 2)}\n`);
  const resumed = existsSync(join(run.config.run.folder, "run.json"));
  listen({ type: "run-started", name: run.name, resumed });
  const child = startChildRun(launcher, ["train", path, "--json", ...(resumed ? ["--resume"] : [])], (event) =>
    listen({ type: "run-event", name: run.name, event }),
  );
  active.add(child);
  const { code, message } = await child.outcome;
  active.delete(child);
  return code === 0 || code === 130 ? undefined : message || `the run ended with code ${code}`;
}

/**
 * Whether a run's last step is saved and, where it evaluates, evaluated.
 *
 * @throws RunFolderError when it was made with another configuration
 */
async function isFinished(config: TrainingConfig): Promise<boolean> {
  const { folder, steps } = config.run;
  if (!existsSync(join(folder, "run.json"))) return false;
  checkResumedConfig((await readRunDescription(folder)).config, config);
  if (!(await listCheckpointSteps(folder)).includes(steps)) return false;
  return config.data.eval.length === 0 || (await readRunResult(folder)).after?.step === steps;
}

async function resultOf({ name, cases, seed, config }: PlannedRun, problem: string | undefined): Promise<RunResult> {
  const status = problem !== undefined ? "failed" : (await isFinished(config)) ? "finished" : "unfinished";
  return { name, cases, seed, status, problem: problem ?? null, ...(await readRunResult(config.run.folder)) };
}
