/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  type AnswerScore,
  type Benchmark,
  BenchmarkError,
  benchmarks,
  meanScore,
  type OpenBenchmark,
  type ScoredItem,
} from "@v-triune/benchmarks";
import { expectTypeOf } from "vitest";

expectTypeOf(benchmarks).toEqualTypeOf<readonly Benchmark[]>();
expectTypeOf<Benchmark["open"]>().toEqualTypeOf<(folder: string) => Promise<OpenBenchmark>>();
expectTypeOf<AnswerScore["score"]>().toEqualTypeOf<number | null>();
expectTypeOf<BenchmarkError>().toExtend<Error>();

declare const scored: readonly ScoredItem[];
expectTypeOf(meanScore(scored)).toBeNumber();
// @ts-expect-error an answer has a score, also where it is null
const unscored: AnswerScore = { vote: null };
expectTypeOf(unscored.vote).toEqualTypeOf<string | null>();
// @ts-expect-error pictures are read when the question is asked, so they are a function
const pictures: ScoredItem["item"]["pictures"] = [];
expectTypeOf(pictures).returns.resolves.toEqualTypeOf<readonly (string | Uint8Array)[]>();
