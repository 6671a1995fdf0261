import { writeTinyTurnsRun } from "@v-triune/demo-tasks";
import { type TrainingConfig, resolveTrainingConfig } from "@v-triune/training/config";

/** For tests: the run of `writeTinyTurnsRun`, whose answers call tools and take several turns. */
export async function tinyTurnsRun(folder: string, name: string, steps: number): Promise<TrainingConfig> {
  return resolveTrainingConfig(await writeTinyTurnsRun(folder, name, steps));
}
