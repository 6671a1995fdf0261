/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import { checkSample, DatasetError, parseSample, type Sample, sourceInfo, type Task, taskKind } from "@v-triune/schema";
import { expectTypeOf } from "vitest";

declare const unknownRow: unknown;
const sample = parseSample(unknownRow);
expectTypeOf(sample).toEqualTypeOf<Sample>();
expectTypeOf(sample.reward_model.accuracy_ratio).toBeNumber();
expectTypeOf(sample.images[0]?.bytes).toEqualTypeOf<Uint8Array | null | undefined>();
expectTypeOf(checkSample(sample)).toEqualTypeOf<DatasetError | null>();
// @ts-expect-error an unknown value is parsed, not checked
checkSample(unknownRow);
// @ts-expect-error names are those on disk
void sample.rewardModel;

expectTypeOf(taskKind("math")).toEqualTypeOf<"reasoning" | "perception">();
// @ts-expect-error there is no such task
taskKind("poetry");
expectTypeOf(sourceInfo("clevr").task).toEqualTypeOf<Task>();
