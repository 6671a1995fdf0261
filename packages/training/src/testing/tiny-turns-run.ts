import { writeTinyTurnsRun } from "@v-triune/demo-tasks";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfig, TurnsConfig } from "../config/training-config";

/** For tests: the run of `writeTinyTurnsRun`, whose answers call tools and take several turns. */
export async function tinyTurnsRun(
  folder: string,
  name: string,
  steps: number,
  turns: Partial<TurnsConfig> = {},
): Promise<TrainingConfig> {
  return resolveTrainingConfig(await writeTinyTurnsRun(folder, name, steps, turns));
}
