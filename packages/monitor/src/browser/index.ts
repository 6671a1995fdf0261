/** The package for a browser: metrics, trends and alarms, without files and servers. */
export {
  DEFAULT_ALARM_RULES,
  changedAlarmRules,
  type AlarmRule,
  type AlarmRuleChange,
  type AlarmRuleChanges,
} from "../alarm-rules";
export { createAlarmWatch, evaluateAlarm, type Alarm, type AlarmWatch } from "../alarms";
export type { MetricPoint, MetricSeries } from "../metric-stretches";
export { metricTag, type MetricRecord, type MetricScope, type MetricSplit } from "../metric-record";
export { formatRecordLine, parseRecordLine } from "../record-line";
export { REFLECTION_WORDS, countReflectionWords } from "../reflection-words";
export { RunningMoments } from "../running-moments";
export {
  createStepMetrics,
  type RolloutExample,
  type RolloutRecord,
  type StepMetrics,
  type StepMetricsOptions,
} from "../step-metrics";
export {
  RunInMemory,
  type RolloutInMemory,
  type RunInMemoryOptions,
  type SampleInMemory,
} from "../dashboard/run-in-memory";
export { runDescription, type RunDescription } from "../dashboard/run-folder/run-description";
export { shownConversation } from "../dashboard/rollouts/shown-conversation";
export { rolloutBoxes, type PictureFrame } from "../dashboard/rollouts/rollout-boxes";
export type { DrawnBox, RolloutBoxes, RolloutGroup } from "../dashboard/dashboard-api";
export { createRunTrends, type RunTrends } from "../trends/run-trends";
export {
  expectedBest,
  majorityScore,
  validationMetrics,
  type ValidationOptions,
  type ValidationSample,
} from "../validation-metrics";
