/**
 * From token losses to one number. Every mode is linear, so it is a weight for each token:
 *
 *   loss = Σ w l          N tokens and S sequences with tokens in the *whole* update, |y| tokens in the row
 *
 *   token-mean               w = 1 / N                 DAPO; long answers weigh more
 *   token-sum                w = 1
 *   seq-mean-token-sum       w = 1 / S
 *   seq-mean-token-mean      w = 1 / (S (|y| + 1e-8))  the original GRPO
 *   seq-mean-token-sum-norm  w = 1 / (S L)             Dr.GRPO; L a constant, the longest response allowed
 *
 * The counts are those of the whole update, never of the micro-batch: then the micro-batches' shares add up to the same
 * loss however it was split. Same numbers as verl 0.9.1 (`agg_loss`); where verl divides 0 by 0 (everything masked)
 * this gives 0. TRL 1.16's grpo, sapo, dr_grpo and luspo count empty rows in S (`countEmptySequences`).
 */
import type { AggregationMode } from "./token-loss";

/** Sizes of the whole update. */
export interface BatchCounts {
  /** N: trained tokens. */
  readonly tokens: number;
  /** S: sequences that count. */
  readonly sequences: number;
}

/** N and S of a mask, flat [B · T]. */
export function countBatch(
  mask: ArrayLike<number>,
  width: number,
  options: { readonly countEmptySequences?: boolean } = {},
): BatchCounts {
  const rows = width === 0 ? 0 : mask.length / width;
  let tokens = 0;
  let sequences = 0;
  for (let row = 0; row < rows; row++) {
    let length = 0;
    for (let i = row * width; i < (row + 1) * width; i++) length += mask[i]!;
    tokens += length;
    if (length > 0 || options.countEmptySequences) sequences += 1;
  }
  return { tokens, sequences };
}

/**
 * The weight of each token in the aggregated loss, flat [B · T]; 0 outside the mask.
 * @param counts sizes of the whole update that these rows belong to
 * @param maxLength L of seq-mean-token-sum-norm
 * @throws RangeError when seq-mean-token-sum-norm has no maxLength: the padded width would make the loss depend on how
 *   the batch was split
 */
export function aggregationWeights(
  mode: AggregationMode,
  mask: ArrayLike<number>,
  width: number,
  counts: BatchCounts,
  maxLength?: number,
): Float64Array {
  const weights = new Float64Array(mask.length);
  const rows = width === 0 ? 0 : mask.length / width;
  for (let row = 0; row < rows; row++) {
    let length = 0;
    for (let i = row * width; i < (row + 1) * width; i++) length += mask[i]!;
    if (length === 0) continue;
    const weight = tokenWeight(mode, length, counts, maxLength);
    for (let i = row * width; i < (row + 1) * width; i++) weights[i] = weight * mask[i]!;
  }
  return weights;
}

function tokenWeight(mode: AggregationMode, length: number, counts: BatchCounts, maxLength?: number): number {
  switch (mode) {
    case "token-mean":
      return 1 / counts.tokens;
    case "token-sum":
      return 1;
    case "seq-mean-token-sum":
      return 1 / counts.sequences;
    case "seq-mean-token-mean":
      return 1 / (counts.sequences * (length + 1e-8));
    case "seq-mean-token-sum-norm":
      if (maxLength === undefined || !(maxLength > 0)) {
        throw new RangeError(
          `seq-mean-token-sum-norm needs maxLength, the longest response allowed; found ${maxLength}`,
        );
      }
      return 1 / (counts.sequences * maxLength);
  }
}
