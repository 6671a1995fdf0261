/** What a person decides on golds that look wrong. The page of a report shares these types. */
import type { GoldBox } from "@v-triune/schema";

/** What a person can decide. */
export const DECISIONS = ["accept", "reject", "replace"] as const;
export type Decision = (typeof DECISIONS)[number];

/** A box as its owner gives it. */
export interface OwnerBox {
  readonly bbox: readonly [number, number, number, number];
  readonly label: string;
}

/** A decision on one row. */
export interface GoldDecision {
  readonly source: string;
  readonly id: string;
  readonly question: string;
  readonly gold: string | readonly OwnerBox[];
  readonly decision: Decision;
  /** With `replace` only. */
  readonly replacement?: string | readonly GoldBox[];
}

/** What became of the decisions. */
export interface AppliedDecisions {
  readonly file: string;
  /** Rows by what was decided. */
  readonly rows: Readonly<Record<Decision, number>>;
  /** Decisions on golds or questions that have changed since, and on rows that the run does not have. */
  readonly stale: readonly string[];
  readonly unknown: readonly string[];
  /** All decisions, for the page of this run. */
  readonly decisions: readonly GoldDecision[];
}
