/** Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without an error. */
import type { Policy } from "@v-triune/grpo";
import type { EncodedPrompt, VlmPolicy } from "@v-triune/policy";
import {
  defineTrainingConfig,
  resolveTrainingConfig,
  runTraining,
  type TrainingConfig,
  type TrainingConfigInput,
  type TrainingResult,
} from "v-triune";
import { expectTypeOf } from "vitest";

const input = { model: "./model", data: { train: "corpus/train_*.parquet" } };
expectTypeOf(input).toExtend<TrainingConfigInput>();
const config = resolveTrainingConfig(input);
expectTypeOf(config).toEqualTypeOf<TrainingConfig>();
expectTypeOf(config.rollout.n).toBeNumber();
// @ts-expect-error a configuration has data
defineTrainingConfig({ model: "./model" });
// @ts-expect-error the number of answers per prompt is a number
defineTrainingConfig({ ...input, rollout: { n: "8" } });
expectTypeOf(runTraining(config)).resolves.toEqualTypeOf<TrainingResult>();
// @ts-expect-error defaults are filled in first, by resolveTrainingConfig
void runTraining(input);

// A Qwen2.5-VL fits the learner; neither package knows the other.
expectTypeOf<VlmPolicy>().toExtend<Policy<EncodedPrompt & { readonly completionIds: Int32Array }>>();
