/**
 * `runs/<name>/`: run.json (what the run is), metrics.jsonl, rollouts/, checkpoints/, TensorBoard's event files,
 * run.lock while a trainer is at work. Opening one never touches what an earlier run left, unless it is that run that
 * goes on.
 */
import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { removeTemporaryFiles } from "@v-triune/node-kit/atomic-write";
import { RunFolderError } from "./run-folder-error";
import type { TrainingConfig } from "../config/training-config";
import { takeRunLock } from "./run-lock";
import { asWriteError } from "@v-triune/errors";
import { writeFileAtomic } from "./write-file-atomic";

/** run.json */
export interface RunDescription {
  /** Of this file's layout. */
  readonly format: 1;
  readonly name: string;
  readonly seed: number;
  /** The backend that computed it; a resumed run is bit for bit the same on the same one only. */
  readonly backend: string;
  /** Versions of v-triune, Node and what else the numbers depend on. */
  readonly versions: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly config: TrainingConfig;
}

export interface RunFolder {
  readonly path: string;
  readonly metricsPath: string;
  readonly description: RunDescription;
  /** `checkpoints/step-000012` */
  checkpointPath(step: number): string;
  /** `rollouts/step-000012.parquet` */
  rolloutsPath(step: number): string;
  /** Steps whose checkpoint is there in full, ascending. */
  checkpointSteps(): Promise<number[]>;
  /** Gives the folder free for another trainer. */
  close(): Promise<void>;
}

export interface OpenRunFolderOptions {
  readonly config: TrainingConfig;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Continue the run that the folder holds instead of refusing it. */
  readonly resume?: boolean;
  /** Remove what an earlier run left in the folder, if that run saved no checkpoint. */
  readonly overwrite?: boolean;
}

const stepName = (step: number): string => `step-${String(step).padStart(6, "0")}`;

/** The step of `step-000012` or `step-000012.parquet`; undefined for other names. */
export function stepOfName(name: string): number | undefined {
  const match = /^step-(\d{6,})(\.parquet)?$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Steps whose checkpoint is there in full, ascending; a checkpoint that is being written has another name. */
export async function listCheckpointSteps(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, "checkpoints")).catch(() => [] as string[]);
  return names.flatMap((name) => stepOfName(name) ?? []).sort((a, b) => a - b);
}

/** `checkpoints/step-000012` in a run's folder. */
export function checkpointFolder(folder: string, step: number): string {
  return join(folder, "checkpoints", stepName(step));
}

/**
 * The checkpoint to look at: that of `step`, or the last one.
 *
 * @throws RunFolderError if it is missing
 */
export async function chosenCheckpoint(
  folder: string,
  step: number | undefined,
): Promise<{ readonly step: number; readonly folder: string }> {
  const steps = await listCheckpointSteps(folder);
  const chosen = step ?? steps.at(-1);
  if (chosen !== undefined && steps.includes(chosen)) return { step: chosen, folder: checkpointFolder(folder, chosen) };
  throw new RunFolderError({
    what: chosen === undefined ? "The run has no checkpoint." : `The run has no checkpoint of step ${chosen}.`,
    where: folder,
    expected: "checkpoints/step-000001 or later",
    found: steps.length === 0 ? "none" : `steps ${steps.join(", ")}`,
    fix:
      steps.length === 0
        ? "let the run reach its first checkpoint (checkpoint.every)"
        : "choose one of these with --step",
  });
}

/**
 * Reads a run's run.json.
 *
 * @throws RunFolderError when there is none or it is not one
 */
export async function readRunDescription(folder: string): Promise<RunDescription> {
  const path = join(folder, "run.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new RunFolderError({
      what: "The folder holds no run.",
      where: folder,
      expected: "a folder with a run.json, as v-triune train makes it",
      fix: "check the path",
      cause,
    });
  }
  let value: Partial<RunDescription> | null;
  try {
    value = JSON.parse(text) as Partial<RunDescription> | null;
  } catch (cause) {
    throw new RunFolderError({
      what: "The run's description is not valid JSON.",
      where: path,
      fix: "restore it, or start a new run",
      cause,
    });
  }
  if (value?.format !== 1 || typeof value.config !== "object") {
    throw new RunFolderError({
      what: "The run was written by another version.",
      where: path,
      expected: "format 1",
      found: `format ${String(value?.format)}`,
      fix: "continue it with the version that began it",
    });
  }
  const described = value as RunDescription;
  return { ...described, config: withPathsOf(described.config, folder) };
}

/**
 * A folder that was made elsewhere, by a browser for example, holds its model and data: their paths are then relative to
 * it.
 */
function withPathsOf(config: TrainingConfig, folder: string): TrainingConfig {
  const { model, data } = config;
  const absolute = (path: string): string => (path.includes("://") ? path : resolve(folder, path));
  const movedModel = (): TrainingConfig["model"] =>
    model.init === "pretrained"
      ? { ...model, path: absolute(model.path) }
      : {
          ...model,
          config: typeof model.config === "string" ? absolute(model.config) : model.config,
          tokenizer: absolute(model.tokenizer),
        };
  const moved = <T extends { readonly path: string }>(sets: readonly T[]): T[] =>
    sets.map((set) => ({ ...set, path: absolute(set.path) }));
  return {
    ...config,
    ...(model ? { model: movedModel() } : {}),
    ...(data ? { data: { ...data, train: moved(data.train), eval: moved(data.eval) } } : {}),
  };
}

/**
 * Whether a run was described and then failed before it measured or saved anything, for a wrong path to its data
 * perhaps: the same command must work when that is fixed.
 */
async function neverBegan(folder: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    if (name === "run.json") continue;
    if (name !== "checkpoints" && name !== "rollouts") return false;
    const entries = await readdir(join(folder, name)).catch(() => ["not a folder"]);
    if (entries.some((entry) => !entry.startsWith("."))) return false;
  }
  return names.includes("run.json");
}

/** What a run writes into its folder. */
const runFiles =
  /^(run\.json|monitor\.json|metrics\.(jsonl|csv)|eval(-.*)?\.jsonl|events\.out\.tfevents\..*|checkpoints|rollouts|\..*)$/;

/**
 * Removes an earlier run that saved no checkpoint. run.json goes last: when this is stopped half-way, the folder is
 * still recognized as a run's.
 */
async function removeRun(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => runFiles.test(name) && name !== "run.json");
  try {
    for (const name of [...names, "run.json"]) await rm(join(folder, name), { recursive: true, force: true });
  } catch (error) {
    throw asWriteError(error, folder);
  }
}

/**
 * Makes the folder of a new run if it is missing.
 *
 * @returns whether the folder holds an earlier run, to be removed
 */
async function prepareNew(options: OpenRunFolderOptions): Promise<boolean> {
  const { folder } = options.config.run;
  let names: string[];
  try {
    await mkdir(folder, { recursive: true });
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST" || (error as NodeJS.ErrnoException).code === "ENOTDIR") {
      throw new RunFolderError({
        what: "The run folder can't be made: a file has its name.",
        where: folder,
        fix: "choose another one (--set run.name=.. or run.folder)",
        cause: error,
      });
    }
    throw asWriteError(error, folder);
  }
  // The lock of a run that crashed before it wrote anything is no run.
  const others = names.filter((name) => !name.startsWith("run.lock") && !name.startsWith("."));
  if (others.length === 0 || (await neverBegan(folder, others))) return false;
  const strangers = others.filter((name) => !runFiles.test(name));
  if (!others.includes("run.json"))
    throw new RunFolderError({
      what: "The run folder is not empty.",
      where: folder,
      expected: "a folder that does not exist yet, or an empty one",
      found: others.slice(0, 5).join(", "),
      fix: "choose another folder (--set run.folder=..)",
    });
  // A damaged checkpoint, which has another name, counts: it is all that the run saved.
  const saved = await readdir(join(folder, "checkpoints")).catch(() => [] as string[]);
  const last = saved
    .filter((name) => !name.startsWith("."))
    .sort()
    .at(-1);
  if (options.overwrite === true && last === undefined && strangers.length === 0) return true;
  const rename = "give this run another name (--set run.name=..)";
  throw new RunFolderError({
    what: "The run folder holds another run, which stays as it is.",
    where: folder,
    expected:
      options.overwrite === true
        ? "a run without a checkpoint and nothing else, to replace it"
        : "a folder that does not exist yet, or an empty one",
    found:
      last !== undefined
        ? `a run with a checkpoint${stepOfName(last) === undefined ? `, ${last}` : ` of step ${stepOfName(last)}`}`
        : `a run without a checkpoint${strangers.length === 0 ? "" : `, and ${strangers.slice(0, 5).join(", ")}`}`,
    fix:
      options.overwrite === true
        ? `${rename}, or remove ${last === undefined ? "these files" : "the folder"} if nobody needs ` +
          `${last === undefined ? "them" : "it"}`
        : last === undefined
          ? `replace it with --overwrite, continue it with --resume, or ${rename}`
          : `continue it with --resume, or ${rename}`,
  });
}

/**
 * Makes the folder of a new run, or opens that of a run to be continued, and locks it.
 *
 * @throws RunFolderError when the folder holds another run or other files, when there is nothing to resume, or when
 *   another trainer uses it
 * @throws WriteError when the folder can't be written to
 */
export async function openRunFolder(options: OpenRunFolderOptions): Promise<RunFolder> {
  const { config } = options;
  const path = config.run.folder;
  if (options.resume === true) await readRunDescription(path);
  else await prepareNew(options);
  const lock = await takeRunLock(path);
  try {
    // Looked at again under the lock: another trainer may have begun a run in between.
    if (options.resume !== true && (await prepareNew(options))) await removeRun(path);
    for (const folder of [path, join(path, "checkpoints"), join(path, "rollouts")]) await removeTemporaryFiles(folder);
    let description: RunDescription;
    if (options.resume === true) {
      description = await readRunDescription(path);
    } else {
      description = {
        format: 1,
        name: config.run.name,
        seed: config.run.seed,
        backend: options.backend,
        versions: options.versions,
        createdAt: new Date().toISOString(),
        config,
      };
      await writeFileAtomic(join(path, "run.json"), `${JSON.stringify(description, null, 2)}\n`);
    }
    return {
      path,
      metricsPath: join(path, "metrics.jsonl"),
      description,
      checkpointPath: (step) => checkpointFolder(path, step),
      rolloutsPath: (step) => join(path, "rollouts", `${stepName(step)}.parquet`),
      checkpointSteps: () => listCheckpointSteps(path),
      close: () => lock.release(),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
