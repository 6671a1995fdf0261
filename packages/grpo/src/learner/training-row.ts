/**
 * What the learner is given: a policy's row with its advantage and the log-probabilities of other policies at the same
 * tokens. Checked and completed here, before anything is computed.
 */
import { LearnerConfigError } from "../errors";
import type { PolicyRow, TopTokens } from "../policy";

/** One rollout to learn from. Arrays have one entry per completion token. */
export interface TrainingRow<Row extends PolicyRow = PolicyRow> {
  /** What the policy reads. */
  readonly row: Row;
  /** The rollout's advantage, or one per token; `null` for a rollout that was not scored: it is left out entirely. */
  readonly advantage: number | ArrayLike<number> | null;
  /**
   * log π_old: of the policy at the start of the rollout batch, computed by the trainer. May be left out when each
   * rollout is used for one update only: then π_old is the policy itself and the ratio is 1, with its gradient.
   */
  readonly oldLogProbs?: ArrayLike<number>;
  /** log-probabilities that the rollout engine reported, for rollout correction. */
  readonly rolloutLogProbs?: ArrayLike<number>;
  /** log π_ref, for a KL term. */
  readonly refLogProbs?: ArrayLike<number>;
  /** K tokens of each position and a teacher's log-probabilities of them; absent: the row has no divergence. */
  readonly candidates?: TopTokens;
  /** 1 for tokens to learn from, 0 for others. Default 1 everywhere. */
  readonly mask?: ArrayLike<number>;
  /** Constant factors on the policy loss (token-selection.ts). */
  readonly policyWeights?: ArrayLike<number>;
}

/** A checked row: arrays filled in, position in the caller's list kept. */
export interface PreparedRow<Row extends PolicyRow = PolicyRow> {
  readonly index: number;
  readonly row: Row;
  readonly length: number;
  readonly mask: Float64Array;
  readonly advantages: Float64Array;
  readonly oldLogProbs?: ArrayLike<number>;
  readonly rolloutLogProbs?: ArrayLike<number>;
  readonly refLogProbs?: ArrayLike<number>;
  readonly candidates?: TopTokens;
  readonly policyWeights?: ArrayLike<number>;
  importanceWeights?: Float64Array;
}

const ARRAYS = ["oldLogProbs", "rolloutLogProbs", "refLogProbs", "mask", "policyWeights"] as const;

/**
 * Checks rows and drops those without an advantage.
 * @throws LearnerConfigError naming the row and field
 */
export function prepareRows<Row extends PolicyRow>(
  rows: readonly TrainingRow<Row>[],
  needs: {
    readonly refLogProbs: boolean;
    readonly oldLogProbs: boolean;
    readonly rolloutLogProbs: boolean;
    /** K of each position, for rows with candidates. */
    readonly candidates?: number | undefined;
  },
): PreparedRow<Row>[] {
  const prepared: PreparedRow<Row>[] = [];
  rows.forEach((row, index) => {
    if (row.advantage === null) return;
    const length = row.row.completionIds.length;
    for (const field of ARRAYS) {
      const values = row[field];
      if (!values && field in needs && needs[field as keyof typeof needs]) {
        throw new LearnerConfigError({
          key: `rows[${index}].${field}`,
          expected: `${length} log-probabilities`,
          found: "nothing",
          fix:
            field === "oldLogProbs"
              ? "compute them with learner.logProbs first: this configuration compares whole batches before the update"
              : `give them, or remove the term of the configuration that needs ${field}`,
        });
      }
      if (values && values.length !== length) {
        throw new LearnerConfigError({
          key: `rows[${index}].${field}`,
          expected: `${length} entries, one per completion token`,
          found: `${values.length}`,
          fix: "strip image tokens from the ids and from every array alike",
        });
      }
    }
    if (row.candidates) checkCandidates(row.candidates, index, length * (needs.candidates ?? 0));
    prepared.push({
      ...row,
      index,
      length,
      mask: row.mask ? Float64Array.from(row.mask) : new Float64Array(length).fill(1),
      advantages: tokenAdvantages(row.advantage, length, index),
    });
  });
  return prepared;
}

function checkCandidates(candidates: TopTokens, index: number, entries: number): void {
  for (const field of ["ids", "logProbs"] as const) {
    const found = candidates[field].length;
    if (found === entries) continue;
    throw new LearnerConfigError({
      key: `rows[${index}].candidates.${field}`,
      expected: `${entries} entries: for each completion token the count of objective.divergence`,
      found: String(found),
      fix: "take them from policy.topTokens with that count",
    });
  }
}

function tokenAdvantages(advantage: number | ArrayLike<number>, length: number, index: number): Float64Array {
  const values =
    typeof advantage === "number" ? new Float64Array(length).fill(advantage) : Float64Array.from(advantage);
  const wrong =
    typeof advantage === "number"
      ? Number.isFinite(advantage)
        ? -1
        : 0
      : values.findIndex((a) => !Number.isFinite(a));
  if (values.length !== length || wrong >= 0) {
    throw new LearnerConfigError({
      key: `rows[${index}].advantage`,
      expected: `a finite number, or ${length} of them`,
      found:
        values.length !== length
          ? `${values.length} of them`
          : `${typeof advantage === "number" ? advantage : values[wrong]}`,
      fix: "give a rollout without a score the advantage null",
    });
  }
  return values;
}

/** Rows laid side by side, padded with 0, flat [B · T]. */
export function stack<Row extends PolicyRow>(
  rows: readonly PreparedRow<Row>[],
  width: number,
  pick: (row: PreparedRow<Row>) => ArrayLike<number> | undefined,
): Float64Array | undefined {
  if (rows.length === 0 || !rows.every((row) => pick(row) !== undefined)) return undefined;
  const flat = new Float64Array(rows.length * width);
  rows.forEach((row, b) => flat.set(Array.from(pick(row)!), b * width));
  return flat;
}
