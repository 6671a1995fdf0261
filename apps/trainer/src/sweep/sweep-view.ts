/**
 * The terminal's view of a sweep: one bar for all steps and one for each run under way; a line a finished run where the
 * output is no terminal.
 */
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import { formatDuration } from "../terminal/duration";
import type { SweepEvent } from "./run-sweep";
import type { RunResult } from "./run-result";

export interface SweepView {
  readonly listen: (event: SweepEvent) => void;
  /** Takes the bars down, so that ordinary output can follow. */
  close(): void;
}

/** "lr-0.0003_seed-1  0.351 -> 0.702  27 s", or why it did not end well. */
export function formatRunLine({ name, status, before, after, seconds, problem, steps }: RunResult): string {
  if (status === "failed") return `${name}  failed after step ${steps}: ${problem?.split("\n")[0] ?? ""}`;
  if (status === "unfinished") return `${name}  stopped after step ${steps}`;
  const scores =
    after === null ? "" : `  ${before === null ? "" : `${before.mean.toFixed(3)} -> `}${after.mean.toFixed(3)}`;
  return `${name}${scores}  ${seconds.toFixed(0)} s`;
}

export function createSweepView(stream: NodeJS.WriteStream = process.stdout): SweepView {
  return stream.isTTY ? terminalView(stream) : plainView(stream);
}

function plainView(stream: NodeJS.WriteStream): SweepView {
  let total = 0;
  let ended = 0;
  return {
    listen: (event) => {
      if (event.type === "planned") {
        total = event.runs;
        ended = event.finished;
        stream.write(
          `${event.folder}: ${event.runs} ${event.runs === 1 ? "run" : "runs"}, ${event.finished} finished\n`,
        );
      } else if (event.type === "run-ended") {
        ended += 1;
        stream.write(`${ended}/${total} ${formatRunLine(event.result)}\n`);
      }
    },
    close: () => {},
  };
}

function terminalView(stream: NodeJS.WriteStream): SweepView {
  const bars = new MultiBar(
    {
      stream,
      hideCursor: true,
      linewrap: false,
      barsize: 20,
      autopadding: true,
      forceRedraw: true,
      gracefulExit: false,
      format: "{label} {bar} {text}",
    },
    Presets.shades_classic,
  );
  const label = (name: string): string => name.slice(0, 26).padEnd(26);
  const rows = new Map<string, { bar: SingleBar; steps: number }>();
  const started = performance.now();
  let all: SingleBar | undefined;
  let stepsDone = 0;
  let finished = 0;
  let steps = 1;
  let runs = 0;
  let seenSteps = 0;
  const overall = (): void => {
    const left =
      seenSteps === 0
        ? ""
        : `  ${formatDuration(((performance.now() - started) / 1000 / seenSteps) * (steps - stepsDone))} left`;
    all?.update(stepsDone, { label: label(`${finished}/${runs} runs`), text: `step ${stepsDone}/${steps}${left}` });
  };
  return {
    listen: (event) => {
      if (event.type === "planned") {
        ({ runs, finished, steps } = event);
        stepsDone = Math.round((finished / Math.max(1, runs)) * steps);
        all = bars.create(steps, stepsDone, { label: label(`${finished}/${runs} runs`), text: "" });
      } else if (event.type === "run-event") {
        const { name, event: inner } = event;
        const row = rows.get(name) ?? { bar: bars.create(1, 0, { label: label(name), text: "starting" }), steps: 0 };
        rows.set(name, row);
        if (inner.type === "started") stepsDone += inner.fromStep;
        if (inner.type === "evaluating")
          row.bar.update({ label: label(name), text: `evaluating ${inner.done}/${inner.total}` });
        if (inner.type === "step") {
          stepsDone += 1;
          seenSteps += 1;
          row.bar.setTotal(inner.summary.steps);
          row.bar.update(inner.summary.step, {
            label: label(name),
            text: `${inner.summary.step}/${inner.summary.steps} reward ${inner.summary.reward.toFixed(2)}`,
          });
        }
        overall();
      } else if (event.type === "run-ended") {
        finished += 1;
        const row = rows.get(event.result.name);
        if (row) bars.remove(row.bar);
        rows.delete(event.result.name);
        bars.log(`${formatRunLine(event.result)}\n`);
        overall();
      }
    },
    close: () => bars.stop(),
  };
}
