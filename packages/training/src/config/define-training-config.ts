import type { TrainingConfigInput } from "./training-config-schema";

/** Gives a `v-triune.config.ts` its types: `export default defineTrainingConfig({ .. })`. */
export function defineTrainingConfig(input: TrainingConfigInput): TrainingConfigInput {
  return input;
}
