export {
  DEFAULT_ALARM_RULES,
  changedAlarmRules,
  type AlarmRule,
  type AlarmRuleChange,
  type AlarmRuleChanges,
} from "./alarm-rules";
export { alarmWebhook, type AlarmWebhook, type AlarmWebhookOptions } from "./alarm-webhook";
export { createAlarmWatch, evaluateAlarm, type Alarm, type AlarmWatch } from "./alarms";
export type { MetricPoint, MetricSeries } from "./metric-stretches";
export { metricTag, type MetricRecord, type MetricScope, type MetricSplit } from "./metric-record";
export { dropRecordsAfter, readMetricRecords } from "./metrics-file";
export { type Interval, type PromptBootstrapOptions, intervalOf, resampledMeans } from "./prompt-bootstrap";
export { formatRecordLine, parseRecordLine } from "./record-line";
export { REFLECTION_WORDS, countReflectionWords } from "./reflection-words";
export { RunningMoments } from "./running-moments";
export {
  createStepMetrics,
  type RolloutExample,
  type RolloutRecord,
  type StepMetrics,
  type StepMetricsOptions,
} from "./step-metrics";
export {
  TOOL_METRICS,
  toolDrift,
  toolRecords,
  toolTerms,
  type OfferedAnswer,
  type ToolDrift,
  type ToolPair,
  type ToolPoint,
  type ToolTerms,
} from "./tool-effect";
export { createRunTrends, type RunTrends } from "./trends/run-trends";
export {
  expectedBest,
  majorityScore,
  validationMetrics,
  type ValidationOptions,
  type ValidationSample,
} from "./validation-metrics";
export { createSinkGroup, type MetricSink, type SinkGroup, type SinkGroupOptions } from "./sinks/metric-sink";
export { metricSinkConformance, type MetricSinkCase } from "./sinks/metric-sink-conformance";
export {
  consoleTableSink,
  formatStepLine,
  formatStepTable,
  type ConsoleTableOptions,
  type StepTableOptions,
} from "./sinks/console-table";
export { csvSink, formatCsvLines } from "./sinks/csv";
export { jsonlSink } from "./sinks/jsonl";
export { mlflowSink, type MlflowOptions } from "./sinks/mlflow";
export { formatPrometheus, prometheusSink } from "./sinks/prometheus";
export { trackioSink, type TrackioOptions } from "./sinks/trackio";
export { tensorBoardSink, type TensorBoardOptions } from "./sinks/tensorboard";
