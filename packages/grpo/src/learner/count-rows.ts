import { countBatch, type BatchCounts } from "../losses/aggregation";
import type { ObjectiveConfig } from "../losses/objective";
import type { PreparedRow } from "./training-row";

/** N and S of prepared rows. */
export function countRows(rows: readonly PreparedRow[], objective: ObjectiveConfig): BatchCounts {
  const countEmptySequences = objective.countEmptySequences ?? objective.policyLoss?.countsEmptySequences ?? false;
  let tokens = 0;
  let sequences = 0;
  for (const row of rows) {
    const counts = countBatch(row.mask, Math.max(1, row.mask.length), {});
    tokens += counts.tokens;
    sequences += counts.tokens > 0 || countEmptySequences ? 1 : 0;
  }
  return { tokens, sequences };
}
