import { writeTinyRun } from "@v-triune/demo-tasks";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfig } from "../config/training-config";

/**
 * For tests: a run whose steps take a tenth of a second; what it needs is written into `folder`, its run folder is
 * `folder/name`.
 */
export async function tinyRun(folder: string, name: string, steps: number): Promise<TrainingConfig> {
  return resolveTrainingConfig(await writeTinyRun(folder, name, steps));
}
