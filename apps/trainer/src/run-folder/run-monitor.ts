/**
 * Everything that a run's numbers go to, behind one door: sinks, rollout store, alarms. Nothing in here can stop or slow a step; what
 * fails is said once.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  createAlarmWatch,
  createSinkGroup,
  csvSink,
  dropRecordsAfter,
  jsonlSink,
  mlflowSink,
  prometheusSink,
  readMetricRecords,
  tensorBoardSink,
  type Alarm,
  type MetricRecord,
} from "@v-triune/monitor";
import type { MonitorConfig } from "../config/training-config";
import type { RunFolder } from "./run-folder";
import { createRolloutStore, type StoredRollout } from "./rollout-store";

export interface RunMonitorOptions {
  readonly config: MonitorConfig;
  readonly folder: Pick<RunFolder, "path" | "metricsPath" | "description">;
  /** A sink or the store has begun to fail, or works again. */
  readonly onProblem: (message: string) => void;
  readonly onAlarm: (alarm: Alarm) => void;
}

export interface RunMonitor {
  /** Hands records to the sinks and looks for alarms; returns at once. */
  write(records: readonly MetricRecord[]): void;
  /** Whether a step's rollouts are wanted: making the rows costs something. */
  wantsRollouts(step: number): boolean;
  writeRollouts(step: number, rows: readonly StoredRollout[]): void;
  /** True once an alarm asks for the end of the run and the configuration says to listen (`monitor.alarms.onAlarm: stop`). */
  readonly stopRequested: boolean;
  /** Forgets what was written after `step`, which a resumed run writes again, and gives the alarms the steps before. */
  resumeAfter(step: number): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Opens what the configuration asks for; metrics.jsonl always. */
export function openRunMonitor({ config, folder, onProblem, onAlarm }: RunMonitorOptions): RunMonitor {
  const csvPath = join(folder.path, "metrics.csv");
  const csv = config.csv ? csvSink(csvPath) : undefined;
  const sinks = createSinkGroup(
    [
      jsonlSink(folder.metricsPath),
      ...(config.tensorboard ? [tensorBoardSink(folder.path)] : []),
      ...(csv === undefined ? [] : [csv]),
      ...(config.prometheus === null ? [] : [prometheusSink(config.prometheus)]),
      ...(config.mlflow === null ? [] : [mlflowSink({ ...config.mlflow, runName: folder.description.name })]),
    ],
    { onProblem },
  );
  const { every, keep } = config.rollouts;
  const store = createRolloutStore({ folder: join(folder.path, "rollouts"), keep, onProblem });
  const watch = config.alarms.enabled ? createAlarmWatch() : undefined;
  let stopRequested = false;
  return {
    write(records) {
      sinks.write(records);
      for (const alarm of watch?.check(records) ?? []) {
        onAlarm(alarm);
        if (alarm.severity === "stop" && config.alarms.onAlarm === "stop") stopRequested = true;
      }
    },
    wantsRollouts: (step) => every !== null && step % every === 0,
    writeRollouts: (step, rows) => store.write(step, rows),
    get stopRequested() {
      return stopRequested;
    },
    async resumeAfter(step) {
      await dropRecordsAfter(folder.metricsPath, step);
      await store.dropAfter(step);
      if (!existsSync(folder.metricsPath)) return;
      // The CSV file has the same numbers: written anew rather than cut.
      await rm(csvPath, { force: true });
      for await (const record of readMetricRecords(folder.metricsPath)) {
        // An alarm looks at one record and its predecessors, so they need not come step by step.
        watch?.check([record]);
        await csv?.write([record]);
      }
    },
    async flush() {
      await Promise.all([sinks.flush(), store.flush()]);
    },
    async close() {
      await Promise.all([sinks.close(), store.close()]);
    },
  };
}
