/**
 * The errors of this package. Each says what was expected, what was found, and what to do about it.
 */

/** A setting, or a combination of settings and rows, that cannot be trained with. Nothing was changed. */
export class LearnerConfigError extends Error {
  override readonly name = "LearnerConfigError";
  /** @param key the setting, or the row and field, e.g. `loss.klCoefficient` or `rows[3].refLogProbs` */
  constructor(
    readonly key: string,
    readonly expected: string,
    readonly found: string,
    readonly fix: string,
  ) {
    super(`${key}: expected ${expected}, found ${found}. ${fix}`);
  }
}

/** Where a number stopped being finite. */
export type DivergedWhere =
  | { readonly kind: "log-probabilities"; readonly row: number; readonly token: number }
  | { readonly kind: "entropy"; readonly row: number; readonly token: number }
  | { readonly kind: "loss"; readonly row: number }
  | { readonly kind: "gradient"; readonly parameter: string };

/**
 * A log-probability, loss or gradient became NaN or infinite. Thrown before the optimizer runs, so parameters, moments
 * and step counter are still those of the last good update.
 */
export class TrainingDivergedError extends Error {
  override readonly name = "TrainingDivergedError";
  constructor(
    readonly where: DivergedWhere,
    readonly step: number,
    readonly value: number,
  ) {
    super(
      `update ${step}: ${describe(where)} is ${value}. The weights are still those before this update. ` +
        "Lower the learning rate or maxGradNorm, or leave out the row that causes it.",
    );
  }
}

function describe(where: DivergedWhere): string {
  switch (where.kind) {
    case "log-probabilities":
      return `the log-probability of token ${where.token} of rows[${where.row}]`;
    case "entropy":
      return `the entropy at token ${where.token} of rows[${where.row}]`;
    case "loss":
      return `the loss of rows[${where.row}]`;
    case "gradient":
      return `the gradient of ${where.parameter}`;
  }
}
