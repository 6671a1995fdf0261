/** The errors of this package. */
import { VTriuneError } from "@v-triune/errors";

/** What {@link LearnerConfigError} is made of. */
export interface LearnerConfigProblem {
  /** The setting, or the row and its field, for example `maxGradNorm` or `rows[3].refLogProbs`. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
  readonly fix: string;
}

/** A setting, or a combination of settings and rows, that the learner cannot train with. Nothing was changed. */
export class LearnerConfigError extends VTriuneError {
  override readonly name = "LearnerConfigError";
  /** The setting, or the row and its field; `where` says the same. */
  readonly key: string;

  constructor({ key, expected, found, fix }: LearnerConfigProblem) {
    super({ what: "The learner cannot train with this setting or row.", where: key, expected, found, fix });
    this.key = key;
  }
}

/** The number that stopped being finite. */
export type DivergedNumber =
  | { readonly kind: "log-probabilities"; readonly row: number; readonly token: number }
  | { readonly kind: "entropy"; readonly row: number; readonly token: number }
  | { readonly kind: "loss"; readonly row: number }
  | { readonly kind: "gradient"; readonly parameter: string };

/**
 * A log-probability, entropy, loss or gradient became NaN or infinite. Thrown before the optimizer runs, so parameters,
 * moments and step counter are still those of the last good update.
 */
export class TrainingDivergedError extends VTriuneError {
  override readonly name = "TrainingDivergedError";

  /**
   * @param number which number it is; `where` says the same
   * @param step number of the update, counted from 1
   * @param value what it became
   */
  constructor(
    readonly number: DivergedNumber,
    readonly step: number,
    readonly value: number,
  ) {
    super({
      what: `Training diverged in update ${step}. The weights are still those before this update.`,
      where: describe(number),
      expected: "a finite number",
      found: String(value),
      fix: "lower the learning rate or maxGradNorm, or leave out the row that causes it",
    });
  }
}

function describe(number: DivergedNumber): string {
  switch (number.kind) {
    case "log-probabilities":
      return `the log-probability of token ${number.token} of rows[${number.row}]`;
    case "entropy":
      return `the entropy at token ${number.token} of rows[${number.row}]`;
    case "loss":
      return `the loss of rows[${number.row}]`;
    case "gradient":
      return `the gradient of ${number.parameter}`;
  }
}
