/**
 * A run whose training server has lost the model goes on by itself, as `--resume` would: with a new model and the weights
 * of the last checkpoint. What was trained after it is forgotten here as there, so nothing counts twice.
 */
import type { MetricSink } from "@v-triune/monitor";
import { TinkerError } from "@v-triune/tinker";
import type { TrainingEvent, TrainingListener } from "../training-event";

/** Losses without a new checkpoint between them after which the run ends. */
const MOST_LOSSES = 3;

/** What of the run's options changes when it goes on. */
export interface GoOnOptions {
  readonly listen?: TrainingListener;
  readonly interruption?: { readonly requested: boolean };
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly sinks?: readonly MetricSink[];
}

/**
 * @param train a run from its beginning, or from its last checkpoint with `resume`; told how often the model was lost
 * @throws what `train` throws; the error of a loss when it comes again and again
 */
export async function goOnAfterLoss<Options extends GoOnOptions, Result>(
  options: Options,
  train: (options: Options, losses: number) => Promise<Result>,
): Promise<Result> {
  const { listen = () => {}, sinks = [] } = options;
  let lastStep = 0;
  let savedStep = 0;
  let losses = 0;
  /** Since the last checkpoint. */
  let inRow = 0;
  /** From a loss until the run goes on. */
  let isTakenUp = false;
  const watch: TrainingListener = (event: TrainingEvent) => {
    if (event.type === "started") {
      savedStep = lastStep = event.fromStep;
      isTakenUp = false;
    }
    if (event.type === "step") lastStep = event.summary.step;
    if (event.type === "saved") {
      savedStep = event.step;
      inRow = 0;
    }
    listen(event);
  };
  let given: Options = { ...options, listen: watch, sinks: sinks.map((sink) => keptOpen(sink)) };
  try {
    for (;;) {
      try {
        return await train(given, losses);
      } catch (error) {
        // A server that fails while the run is taken up may have been started once more.
        const codes = isTakenUp ? ["lost", "uncertain", "failed"] : ["lost", "uncertain"];
        const isLoss = error instanceof TinkerError && codes.includes(error.code);
        if (!isLoss || options.interruption?.requested || ++inRow > MOST_LOSSES) throw error;
        const message = lossMessage(error, savedStep, lastStep);
        listen({ type: "engine", state: "lost", message });
        listen({ type: "warning", message });
        losses += 1;
        isTakenUp = true;
        given = { ...given, resume: true, overwrite: false };
      }
    }
  } finally {
    await Promise.all(sinks.map((sink) => sink.close()));
  }
}

function lossMessage({ what, found }: TinkerError, saved: number, last: number): string {
  const from = saved === 0 ? "begins again" : `goes on from the checkpoint of step ${saved}`;
  const again =
    last > saved ? `; ${last === saved + 1 ? `step ${last} is` : `steps ${saved + 1} to ${last} are`} made again` : "";
  return `${what}${found ? ` (${found})` : ""} The run ${from} with a new model${again}.`;
}

/** Sinks of the caller are closed when the whole run ends, not when a part of it does. */
function keptOpen(sink: MetricSink): MetricSink {
  return { name: sink.name, write: (records) => sink.write(records), close: async () => {} };
}
