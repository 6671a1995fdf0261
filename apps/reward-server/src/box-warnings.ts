/**
 * Warns of boxes that look as if they were written in another convention than they are read in. One such answer proves
 * nothing, and trainers send batches or single answers, so that answers are counted over requests.
 */
import type { Logger } from "pino";
import { OTHER_BOX_CONVENTION } from "@v-triune/verifiers/detection";

/** The part of a verdict that is looked at. */
interface JudgedBoxes {
  readonly status: string;
  readonly metrics?: Readonly<Record<string, number>>;
}

/** The fewest doubtful answers of a first warning; each further one takes ten times as many. */
const FIRST = 4;
/** The share of a count's answers from which it is worth a warning. */
const SHARE = 0.25;

/** Whether a verdict says that its boxes look like another convention. */
export function hasOtherBoxes({ status, metrics = {} }: JudgedBoxes): boolean {
  return status === "scored" && Object.keys(metrics).some((name) => name.endsWith(OTHER_BOX_CONVENTION));
}

/** @returns counts the outcomes of a request, and logs a warning with the count when there are many */
export function boxWarnings(log: Logger): (route: string, outcomes: readonly JudgedBoxes[]) => void {
  const counted = { answers: 0, doubtful: 0 };
  const state = { least: FIRST };
  return (route, outcomes) => {
    const doubtful = outcomes.filter(hasOtherBoxes).length;
    if (doubtful === 0 && counted.doubtful === 0) return;
    counted.answers += outcomes.length;
    counted.doubtful += doubtful;
    if (counted.doubtful < state.least) return;
    if (counted.doubtful >= SHARE * counted.answers) {
      log.warn(
        { route, ...counted, fix: "name the convention: boxes in the sample's parameters (docs/detection-reward.md)" },
        "boxes look as if they were written in another convention than they are read in",
      );
      state.least *= 10;
    }
    [counted.answers, counted.doubtful] = [0, 0];
  };
}
