import { relative } from "node:path";
import { wrapText } from "@v-triune/errors";
import type { Alarm } from "@v-triune/monitor";
import type { EvaluationScores, TrainingEvent, TrainingListener, TrainingResult } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";

const here = (path: string): string => {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? path : short;
};

/** What is about to run, in two or three lines. */
export function formatStart(
  event: Extract<TrainingEvent, { type: "started" }>,
  { run, rollout }: TrainingConfig,
): string {
  const count = (value: number): string => value.toLocaleString("en-US");
  return [
    `${event.fromStep === 0 ? "Training" : `Going on after step ${event.fromStep} of`} ${here(event.folder)} on ` +
      `${event.backend}`,
    `  ${count(event.trainable)} parameters trained, ${count(event.samples)} samples, ${run.steps} steps of ` +
      `${rollout.promptsPerStep} prompts x ${rollout.n} answers`,
    "",
    "",
  ].join("\n");
}

/** An alarm with what people do about it, 80 columns wide with the list's indent. */
function formatAlarm({ message, advice }: Alarm): string {
  return `${wrapText(message, 76, 0)}\n${wrapText(advice, 76, 0)}`;
}

export interface ProblemList {
  readonly listen: TrainingListener;
  /**
   * How many rows were left out, what else was odd and which alarms went off, with the first of each; nothing when all
   * was well.
   */
  format(): string;
}

const SHOWN = 5;

/** Collects what a run left out or warned of, to be listed when the progress bars are gone. */
export function collectProblems(): ProblemList {
  const lists = {
    "bad-row": { title: "Rows left out", count: 0, first: [] as string[] },
    warning: { title: "Warnings", count: 0, first: [] as string[] },
    alarm: { title: "Alarms", count: 0, first: [] as string[] },
  };
  return {
    listen(event) {
      if (event.type !== "bad-row" && event.type !== "warning" && event.type !== "alarm") return;
      const list = lists[event.type];
      list.count += 1;
      const message = event.type === "alarm" ? formatAlarm(event.alarm) : event.message;
      if (list.first.length < SHOWN) list.first.push(`  ${message.split("\n").join("\n    ")}`);
    },
    format: () =>
      Object.values(lists)
        .filter(({ count }) => count > 0)
        .map(
          ({ title, count, first }) =>
            `\n${title} (${count}):\n${first.join("\n")}\n${count > SHOWN ? `  .. and ${count - SHOWN} more\n` : ""}`,
        )
        .join(""),
  };
}

/**
 * A row a source: accuracy before and after, and the difference.
 *
 * @param title what stands over the later scores
 */
export function formatScores(before: EvaluationScores | undefined, after: EvaluationScores, title = "after"): string {
  const width = Math.max(12, ...Object.keys(after.bySource).map((name) => name.length));
  const row = (name: string, then: number | undefined, now: number): string => {
    const cells =
      then === undefined
        ? ["", now.toFixed(3), ""]
        : [then.toFixed(3), now.toFixed(3), `${now < then ? "-" : "+"}${Math.abs(now - then).toFixed(3)}`];
    return `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join("")}`.trimEnd();
  };
  const titles = before === undefined ? ["", title, ""] : ["before", title, "change"];
  return [
    `  ${"accuracy".padEnd(width)}${titles.map((title) => title.padStart(9)).join("")}`.trimEnd(),
    ...Object.keys(after.bySource)
      .sort()
      .map((name) => row(name, before?.bySource[name], after.bySource[name]!)),
    row("mean", before?.mean, after.mean),
  ].join("\n");
}

/** What the run ends with: scores by source, where everything is, what to do next. */
export function formatTrainingResult(result: TrainingResult): string {
  const { after, before, checkpoint, folder, interrupted, step } = result;
  const lines: string[] = [""];
  // An interrupted run was last evaluated at an earlier step.
  if (after !== undefined)
    lines.push(formatScores(before, after, result.afterStep === step ? "after" : `step ${result.afterStep}`), "");
  lines.push(interrupted ? `Interrupted after step ${step}.` : `Done after ${step} ${step === 1 ? "step" : "steps"}.`);
  lines.push(`  run          ${here(folder)}`);
  if (checkpoint !== undefined) lines.push(`  checkpoint   ${here(checkpoint)}`);
  lines.push(`  metrics      ${here(`${folder}/metrics.jsonl`)}`);
  if (interrupted) lines.push(`Go on with: v-triune train ${shellWord(here(folder))} --resume`);
  return `${lines.join("\n")}\n`;
}

/** An argument as a shell takes it. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
