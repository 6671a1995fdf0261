/** The estimate of time as lines for people. */
import { availableParallelism } from "node:os";
import { wrapText } from "@v-triune/errors";
import type { TrainingConfig } from "@v-triune/training/config";
import { formatDuration } from "../terminal/duration";
import type { NotMeasured, TimeEstimate } from "./time-estimate";

const PASSES: Readonly<Record<string, string>> = {
  old: "the policy",
  reference: "the reference",
  teacher: "the teacher",
};

export function formatTime(time: TimeEstimate | NotMeasured, config: TrainingConfig): string {
  if ("reason" in time) return wrapText(`Time: not measured, as ${time.reason}`, 80, 2);
  const { rollout, run } = config;
  const { work, measured, load } = time;
  const count = (value: number): string => Math.round(value).toLocaleString("en-US");
  const plural = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? "" : "s"}`;
  const part = (name: string, seconds: number, what: string): string =>
    `  ${name.padEnd(18)}  ${formatDuration(seconds)}  (${what})`;
  return [
    wrapText(
      `Time, about ${formatDuration(time.step)} a step, ` +
        `${formatDuration(time.run)} for ${plural(run.steps, "step")}, ` +
        `if every answer has ${count(rollout.maxNewTokens)} tokens and teaches; ` +
        `${formatDuration(time.halfStep)} a step if they have half of that`,
      80,
      2,
    ),
    part("prompts", time.prompts, `${count(work.promptTokens)} tokens with their pictures`),
    part("answers", time.answers, `${count(work.answers)} of ${count(rollout.maxNewTokens)} tokens`),
    ...(time.passes.length === 0
      ? []
      : [part("log-probabilities", time.logProbs, time.passes.map((name) => PASSES[name]!).join(", "))]),
    part(
      "gradients",
      time.gradients,
      `${count(work.trainedTokens)} tokens in ${plural(work.microBatches, "micro-batch").replace(/hs$/, "hes")}`,
    ),
    part("optimizer", time.optimizer, plural(work.updates, "update")),
    part("rest", time.rest, "data, rewards, reports"),
    ...(time.evaluations === 0
      ? []
      : [part("evaluation", time.evaluation, `each of ${count(time.evaluations)}, not part of a step`)]),
    `  measured here on ${time.backend}`,
    `  in ${formatDuration(measured.seconds)}` +
      `${measured.layers < measured.allLayers ? `, with ${measured.layers} of ${measured.allLayers} layers` : ""}; ` +
      "not counted: tools, servers, checkpoints",
    ...(load !== null && load >= 1 ? [busyLine(load, availableParallelism())] : []),
  ].join("\n");
}

/** What the estimate is worth on a machine that does other work. */
const busyLine = (load: number, cores: number): string =>
  `  at a load of ${load.toFixed(1)} on ${cores} cores: without that other work it takes less`;
