/** What Changes compares: metrics of rollouts, summed by prompt. */
import type { StoredRow } from "../rollouts/stored-row";
import type { Unit } from "./mean-change";

interface ChangeMetric {
  /** As metrics.jsonl has it. */
  readonly metric: string;
  /** The value of a stored rollout in SQL, null where it has none. */
  readonly sql: string;
  /** The same of a row in memory. */
  readonly valueOf: (row: StoredRow) => number | null;
}

const scored = (row: StoredRow, value: number | null): number | null => (row.status === "scored" ? value : null);

export const CHANGE_METRICS: readonly ChangeMetric[] = [
  {
    metric: "critic/rewards/mean",
    sql: "case when status = 'scored' and isfinite(reward) then reward end",
    valueOf: (row) => scored(row, row.reward),
  },
  {
    metric: "reward/accuracy/mean",
    sql: "case when status = 'scored' and isfinite(accuracy) then accuracy end",
    valueOf: (row) => scored(row, row.accuracy),
  },
  { metric: "response_length/mean", sql: "response_tokens", valueOf: ({ responseTokens }) => responseTokens },
  { metric: "response_length/clip_ratio", sql: "truncated::INTEGER", valueOf: ({ truncated }) => Number(truncated) },
  {
    metric: "verdict/error_ratio",
    sql: "(status = 'error')::INTEGER",
    valueOf: ({ status }) => Number(status === "error"),
  },
];

/** The prompts of one source and task. */
export interface PromptUnits {
  readonly source: string;
  readonly task: string;
  readonly units: Unit[];
}

/** How much there is of a source, a task or all. */
export interface PromptEvidence {
  readonly steps: number;
  readonly prompts: number;
  readonly rollouts: number;
}

export interface PromptTotals {
  readonly units: readonly PromptUnits[];
  /** By scope and name, `evidenceKey`. */
  readonly evidence: ReadonlyMap<string, { readonly before: PromptEvidence; readonly after: PromptEvidence }>;
}

export const evidenceKey = (scope: string, name: string): string => `${scope} ${name}`;

/** A prompt is its sample's id; a trainer that stores none has a new prompt in every group. */
export const promptId = ({ id, step, group }: StoredRow): string => (id === "" ? `${step}/${group}` : id);
