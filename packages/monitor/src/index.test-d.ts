/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  createAlarmWatch,
  createSinkGroup,
  createStepMetrics,
  jsonlSink,
  type MetricRecord,
  type MetricSink,
  readMetricRecords,
  type RolloutRecord,
} from "@v-triune/monitor";
import { startDashboard } from "@v-triune/monitor/dashboard";
import { expectTypeOf } from "vitest";

const metrics = createStepMetrics();
expectTypeOf(metrics.add).parameter(0).toEqualTypeOf<RolloutRecord>();
// @ts-expect-error a rollout says which source it is from
metrics.add({ task: "math" });
const records = metrics.finish(1, { "actor/pg_loss": 0.1 });
expectTypeOf(records).toExtend<readonly MetricRecord[]>();
// @ts-expect-error a metric is a number
metrics.finish(1, { "actor/pg_loss": "low" });

expectTypeOf(jsonlSink("metrics.jsonl")).toExtend<MetricSink>();
// @ts-expect-error a sink can be closed
createSinkGroup([{ name: "mine", write: async () => {} }]);
expectTypeOf(createAlarmWatch().check(records)[0]?.severity).toEqualTypeOf<"warn" | "stop" | undefined>();
expectTypeOf(readMetricRecords("metrics.jsonl")).toExtend<AsyncIterable<MetricRecord>>();
expectTypeOf(startDashboard({ folder: "runs" })).resolves.toHaveProperty("url");
