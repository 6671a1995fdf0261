/**
 * How a server's loss is made of its tokens, and the factor that makes it a plain sum:
 *
 *   sum                Σ l                                       factor 1
 *   row-mean           per row Σ l / Σ w, then the mean over all rows since the last step     n_row · rows of the step
 *   row-mean-request   the same, the mean over the rows of a request                          n_row · rows of the request
 *   token-mean         Σ l / Σ w over the rows of a request                                   Σ n of the request
 *
 * n counts a row's weights that are not 0. Requests add up, except under row-mean.
 */
export const REDUCTIONS = ["sum", "row-mean", "row-mean-request", "token-mean"] as const;

export type Reduction = (typeof REDUCTIONS)[number];

/**
 * Factors on the advantages of each row, by request.
 *
 * @param requests tokens that count, by row and request
 * @example sumFactors("token-mean", [[4, 6]]) // [[10, 10]]
 */
export function sumFactors(reduction: Reduction, requests: readonly (readonly number[])[]): number[][] {
  const allRows = requests.reduce((sum, rows) => sum + rows.length, 0);
  return requests.map((rows) => {
    const tokens = rows.reduce((a, b) => a + b, 0);
    return rows.map((own) => {
      if (reduction === "row-mean") return own * allRows;
      if (reduction === "row-mean-request") return own * rows.length;
      return reduction === "token-mean" ? tokens : 1;
    });
  });
}

/** What gradients of known batches were, each relative to that of one row of 4 tokens with advantage 1. */
export interface ReductionNorms {
  /** The row, and beside it one of 8 tokens with advantage 0. */
  readonly withLongRow: number;
  /** The same row in a second request before the step. */
  readonly twoRequests: number;
}

/**
 * The reduction that predicts the norms best:
 *
 *                      withLongRow   twoRequests
 *   sum                1             2
 *   row-mean           1/2           1
 *   row-mean-request   1/2           2
 *   token-mean         4/12          2
 *
 * @param tolerance largest |log (found / predicted)|
 */
export function reductionOf({ withLongRow, twoRequests }: ReductionNorms, tolerance = 0.02): Reduction | undefined {
  const predicted: Readonly<Record<Reduction, readonly [number, number]>> = {
    sum: [1, 2],
    "row-mean": [1 / 2, 1],
    "row-mean-request": [1 / 2, 2],
    "token-mean": [4 / 12, 2],
  };
  const distance = (found: number, expected: number): number => Math.abs(Math.log(found / expected));
  const errorOf = (name: Reduction): number =>
    Math.max(distance(withLongRow, predicted[name][0]), distance(twoRequests, predicted[name][1]));
  const nearest = REDUCTIONS.reduce((best, name) => (errorOf(name) < errorOf(best) ? name : best));
  return errorOf(nearest) < tolerance ? nearest : undefined;
}
