/** The checkpoints of a run: which one it goes on from, when a new one is written, and which stay. */
import type { CheckpointConfig } from "../config/training-config";
import type { TrainingListener } from "../training-event";
import type { RunFolder } from "../run-folder/run-folder";
import type { BestCheckpoint } from "./best-checkpoint";
import {
  type CheckpointParts,
  type LoadedCheckpoint,
  newestWholeCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from "./checkpoint";

/** undefined for a run that was killed before its first checkpoint: it begins again. */
export async function lastCheckpoint(
  folder: Pick<RunFolder, "checkpointSteps" | "checkpointPath">,
  listen: TrainingListener,
): Promise<{ readonly folder: string; readonly loaded: LoadedCheckpoint } | undefined> {
  const warn = (message: string): void => listen({ type: "warning", message });
  const steps = await folder.checkpointSteps();
  const found = await newestWholeCheckpoint(steps, (step) => folder.checkpointPath(step), warn);
  if (found === undefined) warn("The run had no checkpoint yet, so it begins again.");
  return found;
}

export class RunCheckpoints {
  readonly #config: CheckpointConfig;
  readonly #folder: Pick<RunFolder, "checkpointSteps" | "checkpointPath">;
  readonly #best: BestCheckpoint;
  readonly #listen: TrainingListener;

  constructor(config: CheckpointConfig, folder: RunFolder, best: BestCheckpoint, listen: TrainingListener) {
    this.#config = config;
    this.#folder = folder;
    this.#best = best;
    this.#listen = listen;
  }

  async has(step: number): Promise<boolean> {
    return (await this.#folder.checkpointSteps()).includes(step);
  }

  async lastStep(): Promise<number | undefined> {
    return (await this.#folder.checkpointSteps()).at(-1);
  }

  /** @returns its folder */
  async save(step: number, parts: CheckpointParts): Promise<string> {
    const path = this.#folder.checkpointPath(step);
    await saveCheckpoint(path, step, parts);
    await this.prune();
    this.#listen({ type: "saved", step, folder: path });
    return path;
  }

  /** Removes those that are neither among the newest nor the best. */
  async prune(): Promise<void> {
    const steps = await this.#folder.checkpointSteps();
    const pathOf = (step: number): string => this.#folder.checkpointPath(step);
    await pruneCheckpoints(steps, this.#config.keep, pathOf, this.#best.of(steps)?.step);
  }
}
