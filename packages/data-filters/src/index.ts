export { openSampleSet } from "./samples/sample-set";
export type { SampleSet, SampleSetOptions } from "./samples/sample-set";
export type { RowStoreNotice, RowStoreOptions } from "./samples/row-stores";
export { readSamples } from "./samples/read-samples";
export type { ReadSamplesOptions } from "./samples/read-samples";
export { writeSamples } from "./samples/write-samples";
export type { WriteSamplesOptions, WrittenFile } from "./samples/write-samples";
export { curate } from "./curate/curate";
export type { CurateOptions, CurationProgress } from "./curate/curation-run";
export type { CurationConfig, SourceConfig } from "./curate/config";
export { suggestSources } from "./curate/suggest-sources";
export type { SuggestedSource } from "./curate/suggest-sources";
export type { DecontaminateConfig } from "./contamination/decontaminate-config";
export type { ReferenceQuestion, ReferenceSet } from "./contamination/references";
export { findContamination } from "./contamination/find-contamination";
export type {
  ContaminationExample,
  FindContaminationOptions,
  FoundContamination,
} from "./contamination/find-contamination";
export type { ContaminationReport } from "./contamination/contamination-hits";
export { mixCounts } from "./curate/mix";
export type { MixConfig, MixSource } from "./curate/mix";
export type { SplitConfig } from "./curate/split";
export { explainRow, explainRows, formatExplanation, readReport } from "./curate/explain";
export type { RowExplanation, RuleVerdict } from "./curate/explain";
export { formatSuspiciousGolds, suspiciousGolds } from "./curate/list-suspects";
export type { SuspiciousGold } from "./curate/list-suspects";
export { filterParquet } from "./rules/filter-parquet";
export type { FilteredParquet, FilterParquetOptions } from "./rules/filter-parquet";
export { formatFunnel } from "./curate/report";
export type { CurationReport, DroppedByRule, FileReport, RuleReport, SourceReport } from "./curate/report";
export { adapterFor, adapters } from "./adapters/index";
export { sourceCatalogue } from "./adapters/source-catalogue";
export type { SourceDescription } from "./adapters/source-catalogue";
export type { AdapterContext, PixelBox, SourceAdapter, SourceRow } from "./adapters/source-adapter";
export { buildRule, DEFAULT_RULES, rules } from "./rules/catalogue";
export type { RuleConfig } from "./rules/catalogue";
export type { FilterRule, RuleContext, RuleParameter } from "./rules/filter-rule";
export type { RuleNeed } from "./tables/curation-tables";
export { passAtK } from "./rules/difficulty";
export { familyPixels, imageTokens, resizedSize } from "./rules/token-count";
export type { PixelLimits } from "./rules/token-count";
export type { PictureReference } from "./pictures/picture-reference";
export type { DatabaseOptions } from "./duckdb/database";
export { sources, sourceInfo } from "@v-triune/schema";
