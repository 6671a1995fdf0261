/**
 * The rule of `blindRollouts:`: a question that a model answers without its picture teaches no one to look. The picture
 * was replaced by a gray one of the same size (`v-triune rollout --blind`), so that the prompt is as long as with it.
 *
 * Guessing solves one of m choices with probability 1/m, so a row counts as solved from `min` = 0.5 on, over at least
 * `answers` = 2 answers. For boxes, the mean IoU reward takes the place of the pass rate. Studies of benchmarks find
 * such questions by the same means (MMStar, arXiv 2403.20330).
 */
import { DatasetError } from "@v-triune/schema";
import type { FilterRule } from "./filter-rule";

/** Drops or tags rows that a model solves without looking. */
export function blindSolvable({
  min = 0.5,
  answers = 2,
  action = "drop",
}: {
  /** Pass rate without the picture from which a row is dropped or tagged. */
  min?: number;
  /** Fewer judged answers say nothing. */
  answers?: number;
  /** `tag` keeps such rows, for a mix or an evaluation of your own; their samples have the tag in `extra_info.tags`. */
  action?: "drop" | "tag";
} = {}): FilterRule {
  if (action !== "drop" && action !== "tag") {
    throw new DatasetError({
      code: "bad-option",
      field: "rules.blind-solvable.action",
      expected: "drop or tag",
      found: JSON.stringify(action),
    });
  }
  return {
    name: "blind-solvable",
    reason: `solved without its picture (pass rate ${min} or more)`,
    scope: "row",
    // Answers with boxes are judged in the size of their picture.
    needs: ["size", "blind"],
    parameters: { min, answers, action },
    action,
    sql: () => `blind_count >= ${answers} AND blind_accuracy >= ${min}`,
  };
}
