/**
 * Going on with a run: from its own folder, whose run.json has the whole configuration, or from a configuration that
 * must then still describe the same run. What decides the numbers can't change under way; how long it runs and what it
 * reports can.
 */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "@v-triune/node-kit/is-record";
import { overrideTrainingConfig } from "../config/load-training-config";
import type { TrainingConfig } from "../config/training-config";
import { RunFolderError } from "./run-folder-error";
import { readRunDescription } from "./run-folder";

/** Sections that a resumed run may have otherwise. */
const free: readonly (keyof TrainingConfig)[] = ["evaluation", "checkpoint", "monitor", "strict", "preset", "workers"];

/**
 * Keys of other sections that may change: where rollouts and rewards are computed, as servers come and go, and what
 * decides memory rather than numbers (their last bits aside), to be lowered where memory was short.
 */
const freeKeys = [
  "rollout.engine",
  "rollout.decodeWith",
  "training.engine.url",
  "training.engine.apiKey",
  "reward.judge",
  "reward.servers",
  "reward.tokenEnv",
  "update.microBatchTokens",
  "update.gradientCheckpointing",
  "update.computeWith",
];

/**
 * The configuration of the run that a folder holds, under the name that the folder has now.
 *
 * @param overrides as they are given to --set
 * @throws RunFolderError when the folder holds no run; ConfigError for overrides that cannot be used
 */
export async function runFolderConfig(folder: string, overrides: readonly string[] = []): Promise<TrainingConfig> {
  const { config } = await readRunDescription(folder);
  const moved = { ...config, run: { ...config.run, folder } };
  return overrides.length === 0 ? moved : await overrideTrainingConfig(moved, overrides);
}

/** What is added to the fix where run.steps is among the differences. */
const STEPS =
  "; the warm-up and the schedules are shares of run.steps, so that another number changes the steps already made: to " +
  "end a run earlier, press Ctrl-C after the step";

/**
 * Checks that a configuration still describes the run that is resumed.
 *
 * @throws RunFolderError listing every key that differs and may not
 */
export function checkResumedConfig(saved: TrainingConfig, given: TrainingConfig): void {
  const differences: string[] = [];
  const compare = (path: string, before: unknown, after: unknown): void => {
    // A key that an earlier version did not have is null where it changes nothing.
    if (isDeepStrictEqual(before ?? null, after ?? null) || freeKeys.includes(path)) return;
    if (!isRecord(before) || !isRecord(after))
      return void differences.push(`${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`);
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      compare(`${path}.${key}`, before[key], after[key]);
  };
  // Through JSON, as run.json was written: an undefined key is a missing key.
  const plain = JSON.parse(JSON.stringify(given)) as TrainingConfig;
  for (const key of Object.keys(plain) as (keyof TrainingConfig)[]) {
    if (free.includes(key)) continue;
    if (key === "run") compare("run.seed", saved.run.seed, plain.run.seed);
    else compare(key, saved[key], plain[key]);
  }
  // A section that is missing means something, too.
  if (!plain.training) compare("training", saved.training, plain.training);
  const constant =
    saved.optimizer.warmupRatio === 0 &&
    saved.optimizer.schedule === "constant" &&
    [saved.reward.iou, ...Object.values(saved.reward.iou.bySource ?? {})].every(
      ({ schedule }) => schedule === "adaptive" || schedule.length === 1,
    );
  if (!constant) compare("run.steps", saved.run.steps, plain.run.steps);
  if (differences.length === 0) return;
  throw new RunFolderError({
    what: "The configuration is no longer that of the run.",
    where: given.run.folder,
    expected: "the one in its run.json",
    found: differences.slice(0, 6).join("; "),
    fix:
      `go on with the run as it is (v-triune train ${given.run.folder} --resume), or start a new one under another ` +
      `name (--set run.name=..)${differences.some((line) => line.startsWith("run.steps")) ? STEPS : ""}`,
  });
}
