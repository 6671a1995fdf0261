/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import { type TrainingConfig, type TrainingResult, resolveTrainingConfig, runTraining } from "@v-triune/training";
import { BACKEND_SETTINGS, type TrainingConfigInput } from "@v-triune/training/config";
import { type RunDescription, readRunDescription } from "@v-triune/training/run-folder";
import { expectTypeOf } from "vitest";

const input = { model: "./model", data: { train: "corpus/*.parquet" } };
expectTypeOf(input).toExtend<TrainingConfigInput>();
const config = resolveTrainingConfig(input);
expectTypeOf(config).toEqualTypeOf<TrainingConfig>();
expectTypeOf(runTraining(config)).resolves.toEqualTypeOf<TrainingResult>();
// @ts-expect-error defaults are filled in first, by resolveTrainingConfig
void runTraining(input);

expectTypeOf(readRunDescription("runs/mine")).resolves.toEqualTypeOf<RunDescription>();
expectTypeOf<RunDescription["config"]>().toEqualTypeOf<TrainingConfig>();
// @ts-expect-error a backend is one of those listed
const backend: (typeof BACKEND_SETTINGS)[number] = "cuda";
expectTypeOf(backend).toBeString();
