import { join } from "node:path";
import { writeTinyRun } from "@v-triune/demo-tasks";
import { loadModel } from "@v-triune/training";
import { resolveTrainingConfig } from "@v-triune/training/config";

/** For tests: writes a model of random weights, so small that an update takes a tenth of a second, into `folder/served`. */
export async function writeTinyModel(folder: string): Promise<string> {
  const { model } = resolveTrainingConfig(await writeTinyRun(folder, "unused", 1));
  const { policy } = await loadModel(model, 3);
  const served = join(folder, "served");
  await policy.save(served);
  policy.dispose();
  return served;
}
