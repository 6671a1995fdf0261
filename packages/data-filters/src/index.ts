export { openSampleSet } from "./samples/sample-set";
export type { SampleSet, SampleSetOptions } from "./samples/sample-set";
export { readSamples } from "./samples/read-samples";
export type { ReadSamplesOptions } from "./samples/read-samples";
export { writeSamples } from "./samples/write-samples";
export type { WriteSamplesOptions, WrittenFile } from "./samples/write-samples";
export type { DatabaseOptions } from "./duckdb/database";
