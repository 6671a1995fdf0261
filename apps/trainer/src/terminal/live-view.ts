/**
 * The terminal's view of a run: one progress bar, and under it a table that stays in place, reward by source. Where the
 * output is no terminal (a pipe, a CI log) it prints a line a step instead, and the sources every few steps.
 */
import { wrapText } from "@v-triune/errors";
import type { TrainingEvent, TrainingListener } from "@v-triune/training";
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import { formatDuration } from "./duration";

export interface LiveViewOptions {
  readonly stream?: NodeJS.WriteStream;
  /** Sources in the order of the table. */
  readonly sources?: readonly string[];
}

export interface LiveView {
  readonly listen: TrainingListener;
  /** Takes the bars down, so that ordinary output can follow. */
  close(): void;
}

/** Steps of a source that its shown accuracy is the mean of. */
const window = 5;
const meanOf = (stepsSeen: number): string =>
  stepsSeen === 1 ? "of 1 step" : `mean of ${Math.min(window, stepsSeen)} steps`;
/** Rows left out whose message is shown with what to do. */
const SHOWN_IN_FULL = 3;
const indent = " ".repeat(6);

export function createLiveView({ stream = process.stdout }: LiveViewOptions = {}): LiveView {
  return stream.isTTY ? terminalView(stream) : plainView(stream);
}

/** Mean accuracy of the last few steps by source: one step alone has too few rollouts to be read. */
function recentMeans() {
  const recent = new Map<string, number[]>();
  return (bySource: Readonly<Record<string, number>>) => {
    for (const [source, value] of Object.entries(bySource)) {
      const values = recent.get(source) ?? [];
      values.push(value);
      if (values.length > window) values.shift();
      recent.set(source, values);
    }
    return [...recent].map(([source, values]) => [source, values.reduce((a, b) => a + b, 0) / values.length] as const);
  };
}

function terminalView(stream: NodeJS.WriteStream): LiveView {
  const bars = new MultiBar(
    {
      stream,
      hideCursor: true,
      clearOnComplete: false,
      linewrap: false,
      barsize: 30,
      autopadding: true,
      forceRedraw: true,
      gracefulExit: false,
      format: "{label} {bar} {text}",
    },
    Presets.shades_classic,
  );
  let main: SingleBar | undefined;
  const rows = new Map<string, SingleBar>();
  const before = new Map<string, number>();
  const means = recentMeans();
  let stepsSeen = 0;
  let trainingStarted = performance.now();
  const name = (label: string) => label.slice(0, 16).padEnd(16);
  const progress = (label: string, value: number, total: number, text: string) => {
    main ??= bars.create(total, 0, { label: name(label), text });
    main.setTotal(total);
    main.update(value, { label: name(label), text });
  };
  const listen = (event: TrainingEvent) => {
    if (event.type === "evaluating") {
      progress(
        event.step === 0 ? "evaluate before" : "evaluate",
        event.done,
        event.total,
        `${event.done}/${event.total} answers`,
      );
    } else if (event.type === "evaluated") {
      if (stepsSeen === 0) trainingStarted = performance.now();
      for (const [source, score] of Object.entries(event.scores.bySource).sort()) {
        if (event.step === 0) before.set(source, score);
        if (!rows.has(source)) rows.set(source, bars.create(1000, 0, { label: name(source), text: "" }));
        rows.get(source)?.update(Math.round(score * 1000), { text: score.toFixed(2) });
      }
    } else if (event.type === "engine" || event.type === "data") {
      bars.log(`${event.message}\n`);
    } else if (event.type === "generating" && event.step === 1) {
      progress("step 1", event.done, event.total, `${event.done}/${event.total} answers`);
    } else if (event.type === "step") {
      const { step, steps, reward } = event.summary;
      stepsSeen += 1;
      const left = ((performance.now() - trainingStarted) / 1000 / stepsSeen) * (steps - step);
      progress("train", step, steps, `${step}/${steps}  reward ${reward.toFixed(2)}  ${formatDuration(left)} left`);
      for (const [source, mean] of means(event.summary.accuracyBySource)) {
        if (!rows.has(source)) rows.set(source, bars.create(1000, 0, { label: name(source), text: "" }));
        const start = before.get(source);
        rows.get(source)?.update(Math.round(mean * 1000), {
          text: `${mean.toFixed(2)} (${meanOf(stepsSeen)})${start === undefined ? "" : `  before ${start.toFixed(2)}`}`,
        });
      }
    }
  };
  return { listen, close: () => bars.stop() };
}

function plainView(stream: NodeJS.WriteStream): LiveView {
  const means = recentMeans();
  let stepsSeen = 0;
  let spent = 0;
  let skipped = 0;
  const line = (text: string) => stream.write(`${text}\n`);
  /** As many sources a line as fit 80 columns. */
  const table = (entries: readonly (readonly [string, number])[]): void => {
    let text = `accuracy, ${meanOf(stepsSeen)}:`;
    for (const [source, mean] of entries) {
      const cell = `${source.replace(/^demo_/, "")} ${mean.toFixed(2)}`;
      if (text !== "" && indent.length + text.length + 2 + cell.length > 80) {
        line(`${indent}${text}`);
        text = "";
      }
      text += text === "" ? cell : `  ${cell}`;
    }
    if (text !== "") line(`${indent}${text}`);
  };
  const listen = (event: TrainingEvent) => {
    if (event.type === "evaluated") {
      line(
        `eval  step ${String(event.step).padStart(3)}  mean ${event.scores.mean.toFixed(3)}  ` +
          `(${event.seconds.toFixed(1)} s)`,
      );
    } else if (event.type === "step") {
      const { step, steps, reward, seconds, responseTokens, gradientNorm } = event.summary;
      const current = means(event.summary.accuracyBySource);
      stepsSeen += 1;
      spent += seconds.total;
      const left = step === steps ? "" : `  ${formatDuration((spent / stepsSeen) * (steps - step))} left`;
      line(
        `train ${String(step).padStart(3)}/${steps}  reward ${reward.toFixed(3)}  ${responseTokens.toFixed(0)} ` +
          `tokens  ${Number.isNaN(gradientNorm) ? "" : `grad ${gradientNorm.toPrecision(2)}  `}${seconds.total.toFixed(1)} s${left}`,
      );
      if (step === 1 || step % window === 0 || step === steps) {
        table([...current].sort(([a], [b]) => a.localeCompare(b)));
      }
    } else if (event.type === "bad-row") {
      // The first bad rows are shown in full, the others in a line each. The end of the run counts them.
      const [what = "", where] = event.message.split("\n");
      skipped += 1;
      const short = where === undefined ? event.message : `${what} (${where.replace(/^ *where: */, "").trim()})`;
      line(`skipped a row: ${skipped <= SHOWN_IN_FULL ? event.message : short}`);
    } else if (event.type === "alarm") {
      line(`alarm: ${event.alarm.message}`);
    } else if (event.type === "engine" || event.type === "data") {
      line(wrapText(event.message, 80, 2));
    } else if (event.type === "interrupted") {
      line(`interrupted after step ${event.step}`);
    }
  };
  return { listen, close: () => {} };
}
