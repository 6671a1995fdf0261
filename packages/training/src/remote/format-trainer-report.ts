import { wrapText } from "@v-triune/errors";
import type { Reduction } from "./reduction";
import { TRAINER_ABILITIES, type TrainerAbility, type TrainerReport } from "./probe-trainer";

const TITLES: Readonly<Record<TrainerAbility, string>> = {
  gradient_norm: "tells the gradient's norm",
  learning_rate: "takes the learning rate",
  epsilon: "takes epsilon",
  betas: "takes beta1",
  weight_decay: "takes weight decay",
  clipping: "clips gradients",
  clip_bounds: "takes ppo's bounds",
  pictures: "sees pictures",
  token_counts: "checks expected_tokens",
  same_log_probs: "samples as it trains",
  end_tokens: "keeps end tokens",
  saving: "saves and loads weights",
  deduplication: "drops repeated requests",
};

const REDUCTION_TEXTS: Readonly<Record<Reduction, string>> = {
  sum: "a sum over tokens",
  "row-mean": "a mean over tokens of each row, then over all rows since the last step",
  "row-mean-request": "a mean over tokens of each row, then over the rows of a request",
  "token-mean": "a mean over the tokens of a request",
};

/** The report for a terminal, 80 columns wide. */
export function formatTrainerReport(report: TrainerReport): string {
  const { url, model, adapter, reduction, abilities } = report;
  const lines = [
    wrapText(`${model} at ${url}, ${adapter ? `an adapter of rank ${adapter.rank}` : "the whole model"}`, 80, 0),
    "",
    `  loss:  ${wrapText(reduction ? REDUCTION_TEXTS[reduction] : "not understood: a run is refused", 80, 9)}`,
    "",
    ...TRAINER_ABILITIES.map((ability) => {
      const { found, detail } = abilities[ability];
      const mark = found === null ? "?" : found ? "yes" : "no";
      return `  ${TITLES[ability].padEnd(26)}${mark.padEnd(5)}${wrapText(detail, 80, 33)}`;
    }),
  ];
  return `${lines.join("\n")}\n`;
}
