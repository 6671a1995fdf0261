/** Rules about golds that look wrong: what a person rejected, and what rollouts speak against. */
import type { FilterRule } from "./filter-rule";

/** The rule of `decisions:`: drops the rows whose gold a person rejected. It runs first. */
export function goldRejected(): FilterRule {
  return {
    name: "gold-rejected",
    reason: "a person rejected its gold answer",
    scope: "row",
    needs: ["decisions"],
    parameters: {},
    sql: () => "gold_decision = 'reject'",
  };
}

/**
 * Drops rows whose gold is wrong with a chance of `min` or more, by the answers of the rollouts
 * (golds/suspicion-model.ts). Golds that a person accepted stay.
 */
export function suspiciousGold({
  min = 0.9,
}: {
  /** Chance from which a row is dropped. */
  min?: number;
} = {}): FilterRule {
  return {
    name: "suspicious-gold",
    reason: `its gold answer is wrong with a chance of ${min} or more, by a model's answers`,
    scope: "row",
    // Answers with boxes are read in the size of their picture.
    needs: ["size", "golds"],
    parameters: { min },
    sql: () => `gold_suspicion >= ${min}`,
  };
}
