/**
 * `v-triune eval RUN --watch`: a process beside the trainer that evaluates every checkpoint as it appears, each once,
 * in order. It loads weights of its own and takes none of the training's memory; a checkpoint is checked (size, hash)
 * before it is used. It ends when the run does.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { resolve } from "node:path";
import { readMetricRecords } from "@v-triune/monitor";
import { checkpointFolder, isRunLocked, listCheckpointSteps, readRunDescription } from "@v-triune/training/run-folder";
import {
  type EvaluateCheckpointOptions,
  type CheckpointEvaluation,
  evaluateCheckpoint,
  evaluationFile,
} from "./evaluate-checkpoint";

export interface WatchRunOptions extends Omit<EvaluateCheckpointOptions, "step" | "interruption"> {
  /** Aborted: the evaluation under way is given up, nothing of it is written. */
  readonly signal?: AbortSignal;
  /** Seconds between looks. Default 5. */
  readonly every?: number;
  readonly onEvaluation: (evaluation: CheckpointEvaluation) => void;
  /** A checkpoint that was pruned before its turn, and why the watch ends. */
  readonly onNote: (message: string) => void;
}

/**
 * @returns the steps that were evaluated
 * @throws RunFolderError when the folder holds no run or a checkpoint is damaged, and what `evaluateCheckpoint` throws
 */
export async function watchRun(options: WatchRunOptions): Promise<number[]> {
  const { signal, every = 5, onEvaluation, onNote } = options;
  const folder = resolve(options.folder);
  await readRunDescription(folder);
  const done = await evaluatedSteps(evaluationFile(options));
  const evaluated: number[] = [];
  const interruption = {
    get requested() {
      return signal?.aborted ?? false;
    },
  };
  while (!interruption.requested) {
    // Looked at before the checkpoints are listed: what a trainer saved last is then in the list.
    const running = await isRunLocked(folder);
    const next = (await listCheckpointSteps(folder)).find((step) => !done.has(step));
    if (next === undefined) {
      if (!running) {
        onNote("No trainer is at work on this run and all its checkpoints are evaluated.");
        return evaluated;
      }
      await sleep(every * 1000, undefined, signal ? { signal } : {}).catch(() => {});
      continue;
    }
    done.add(next);
    try {
      const evaluation = await evaluateCheckpoint({ ...options, step: next, interruption });
      if (evaluation === undefined) break;
      evaluated.push(next);
      onEvaluation(evaluation);
    } catch (error) {
      if (existsSync(checkpointFolder(folder, next))) throw error;
      onNote(`Step ${next} was pruned before it could be evaluated (checkpoint.keep).`);
    }
  }
  return evaluated;
}

/** Steps whose evaluation is in the file as a whole. */
async function evaluatedSteps(file: string): Promise<Set<number>> {
  const steps = new Set<number>();
  if (existsSync(file))
    for await (const { step, scope } of readMetricRecords(file)) if (scope === "all") steps.add(step);
  return steps;
}
