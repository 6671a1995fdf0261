/**
 * Everything that a run's numbers go to, behind one door: sinks, rollout store, alarms. Nothing in here can stop or
 * slow a step. A part that fails is reported once, and again when it works.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  alarmWebhook,
  changedAlarmRules,
  createAlarmWatch,
  createRunTrends,
  createSinkGroup,
  csvSink,
  dropRecordsAfter,
  formatRecordLine,
  jsonlSink,
  mlflowSink,
  prometheusSink,
  readMetricRecords,
  tensorBoardSink,
  trackioSink,
  type Alarm,
  type MetricRecord,
  type MetricSink,
} from "@v-triune/monitor";
import type { MonitorConfig } from "../config/training-config";
import type { RunFolder } from "../run-folder/run-folder";
import { createRolloutStore, type StoredRollout } from "./rollout-store";
import { writeFileAtomic } from "../run-folder/write-file-atomic";

export interface RunMonitorOptions {
  readonly config: MonitorConfig;
  readonly folder: Pick<RunFolder, "path" | "metricsPath" | "description">;
  /** Further sinks; closed with the others. Default: none. */
  readonly sinks?: readonly MetricSink[];
  /** A sink or the store has begun to fail, or works again. */
  readonly onProblem: (message: string) => void;
  readonly onAlarm: (alarm: Alarm) => void;
}

export interface RunMonitor {
  /** Gives records, with the run's trends, to the sinks and looks for alarms; returns at once. */
  write(records: readonly MetricRecord[]): void;
  /** Whether a step's rollouts are wanted: making the rows costs something. */
  wantsRollouts(step: number): boolean;
  writeRollouts(step: number, rows: readonly StoredRollout[]): void;
  /**
   * True once an alarm asks for the end of the run and the configuration says to listen (`monitor.alarms.onAlarm:
   * stop`).
   */
  readonly stopRequested: boolean;
  /**
   * Forgets what was written after `step`, which a resumed run writes again, and gives alarms and trends the steps before.
   *
   * @returns whether the evaluation at `step` is there; the run may have ended after the checkpoint and before or in it
   */
  resumeAfter(step: number): Promise<{ readonly evaluated: boolean }>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Opens what the configuration asks for; metrics.jsonl always. */
export function openRunMonitor({
  config,
  folder,
  sinks: further = [],
  onProblem,
  onAlarm,
}: RunMonitorOptions): RunMonitor {
  const csvPath = join(folder.path, "metrics.csv");
  const csv = config.csv ? csvSink(csvPath) : undefined;
  const sinks = createSinkGroup(
    [
      jsonlSink(folder.metricsPath),
      ...(config.tensorboard ? [tensorBoardSink(folder.path)] : []),
      ...(csv === undefined ? [] : [csv]),
      ...(config.prometheus === null ? [] : [prometheusSink(config.prometheus)]),
      ...(config.mlflow === null ? [] : [mlflowSink({ ...config.mlflow, runName: folder.description.name })]),
      // A run.json of an earlier version does not have the key.
      ...(config.trackio ? [trackioSink({ ...config.trackio, runName: folder.description.name })] : []),
      ...further,
    ],
    { onProblem },
  );
  const { every, keep } = config.rollouts;
  const store = createRolloutStore({ folder: join(folder.path, "rollouts"), keep, onProblem });
  const watch = config.alarms.enabled ? createAlarmWatch(changedAlarmRules(config.alarms.rules)) : undefined;
  const webhook =
    config.alarms.webhook === null
      ? undefined
      : alarmWebhook({ url: config.alarms.webhook, run: folder.description.name, onProblem });
  const trends = createRunTrends();
  let stopRequested = false;
  return {
    write(made) {
      const records = trends.add(made);
      sinks.write(records);
      for (const alarm of watch?.check(records) ?? []) {
        onAlarm(alarm);
        webhook?.send(alarm);
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
      if (!existsSync(folder.metricsPath)) return { evaluated: false };
      const evaluated = await keepWholeEvaluation(folder.metricsPath, step);
      // The CSV file has the same numbers: written again rather than cut.
      await rm(csvPath, { force: true });
      for await (const record of readMetricRecords(folder.metricsPath)) {
        // An alarm looks at one record and its predecessors, so they need not come step by step.
        watch?.check([record]);
        trends.observe([record]);
        await csv?.write([record]);
      }
      return { evaluated };
    },
    async flush() {
      await Promise.all([sinks.flush(), store.flush()]);
    },
    async close() {
      await Promise.all([sinks.close(), store.close(), webhook?.close()]);
    },
  };
}

/** An evaluation's records end with the one over all sources; without it the others of that step are dropped. */
async function keepWholeEvaluation(path: string, step: number): Promise<boolean> {
  const records: MetricRecord[] = [];
  for await (const record of readMetricRecords(path)) records.push(record);
  const isOfStep = (record: MetricRecord): boolean => record.split === "eval" && record.step === step;
  if (records.some((record) => isOfStep(record) && record.scope === "all")) return true;
  if (records.some(isOfStep))
    await writeFileAtomic(
      path,
      records
        .filter((record) => !isOfStep(record))
        .map((record) => `${formatRecordLine(record)}\n`)
        .join(""),
    );
  return false;
}
