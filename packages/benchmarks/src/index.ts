export {
  type AnswerScore,
  type Benchmark,
  type BenchmarkDomain,
  type BenchmarkItem,
  type BenchmarkResult,
  type OpenBenchmark,
  type ScoredItem,
  type SeenPicture,
  meanScore,
  partMeans,
} from "./benchmark";
export { BenchmarkError } from "./benchmark-error";
export { benchmarks } from "./benchmarks";
