import { relative } from "node:path";
import type { TrainingResult } from "../training/run-training";
import type { EvaluationScores } from "../training/training-event";

const here = (path: string): string => {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? path : short;
};

/** A row a source: accuracy before and after, and the difference. */
export function formatScores(before: EvaluationScores | undefined, after: EvaluationScores): string {
  const width = Math.max(12, ...Object.keys(after.bySource).map((name) => name.length));
  const row = (name: string, then: number | undefined, now: number): string => {
    const cells = then === undefined ? ["", now.toFixed(3), ""] : [then.toFixed(3), now.toFixed(3), `${now < then ? "-" : "+"}${Math.abs(now - then).toFixed(3)}`];
    return `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join("")}`.trimEnd();
  };
  return [
    `  ${"accuracy".padEnd(width)}${(before === undefined ? ["", "after", ""] : ["before", "after", "change"]).map((title) => title.padStart(9)).join("")}`.trimEnd(),
    ...Object.keys(after.bySource).sort().map((name) => row(name, before?.bySource[name], after.bySource[name]!)),
    row("mean", before?.mean, after.mean),
  ].join("\n");
}

/**
 * What the run ends with: scores by source, where everything is, what to do next.
 *
 * @param command what was typed, to be shown with --resume
 */
export function formatTrainingResult(result: TrainingResult, command: string): string {
  const { after, before, checkpoint, folder, interrupted, step } = result;
  const lines: string[] = [""];
  if (after !== undefined) lines.push(formatScores(before, after), "");
  lines.push(interrupted ? `Interrupted after step ${step}.` : `Done after ${step} steps.`);
  lines.push(`  run          ${here(folder)}`);
  if (checkpoint !== undefined) lines.push(`  checkpoint   ${here(checkpoint)}`);
  lines.push(`  metrics      ${here(`${folder}/metrics.jsonl`)}`);
  if (interrupted) lines.push(`Go on with: ${command} --resume`);
  return `${lines.join("\n")}\n`;
}
