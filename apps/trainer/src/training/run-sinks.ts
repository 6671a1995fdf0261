import { join } from "node:path";
import { type SinkGroup, createSinkGroup, csvSink, jsonlSink, prometheusSink, tensorBoardSink } from "@v-triune/monitor";
import type { MonitorConfig } from "../config/training-config";
import type { RunFolder } from "../run-folder/run-folder";

/** metrics.jsonl always, the others as configured. A failing sink never stops the run. */
export function openSinks(config: MonitorConfig, folder: Pick<RunFolder, "path" | "metricsPath">, onProblem: (message: string) => void): SinkGroup {
  return createSinkGroup(
    [
      jsonlSink(folder.metricsPath),
      ...(config.tensorboard ? [tensorBoardSink(folder.path)] : []),
      ...(config.csv ? [csvSink(join(folder.path, "metrics.csv"))] : []),
      ...(config.prometheus === null ? [] : [prometheusSink(config.prometheus)]),
    ],
    { onProblem },
  );
}
