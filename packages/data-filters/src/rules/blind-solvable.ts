/**
 * The rule of `blindRollouts:`: a question that a model answers without its picture teaches no one to look. The picture
 * was replaced by a gray one of the same size (`v-triune rollout --blind`), so that the prompt is as long as with it.
 *
 * Guessing solves one of m choices with probability 1/m, so a row counts as solved from `min` = 0.5 on, over at least
 * `answers` = 2 answers. For boxes, the mean IoU reward takes the place of the pass rate. Studies of benchmarks find
 * such questions by the same means (MMStar, arXiv 2403.20330).
 */
import type { FilterRule } from "./filter-rule";

/** Drops rows that a model solves without looking. */
export function blindSolvable({
  min = 0.5,
  answers = 2,
}: {
  /** Pass rate without the picture from which a row is dropped. */
  min?: number;
  /** Fewer judged answers say nothing. */
  answers?: number;
} = {}): FilterRule {
  return {
    name: "blind-solvable",
    reason: `solved without its picture (pass rate ${min} or more)`,
    scope: "row",
    // Answers with boxes are judged in the size of their picture.
    needs: ["size", "blind"],
    parameters: { min, answers },
    sql: () => `blind_count >= ${answers} AND blind_accuracy >= ${min}`,
  };
}
