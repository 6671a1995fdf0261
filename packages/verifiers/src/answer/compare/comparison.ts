/** What a comparison found, and how parts of answers are compared: like answers of their own. */

export interface Comparison {
  readonly equal: boolean;
  /** How the answer was read. */
  readonly read: string;
  /** What was compared, and what came of it. */
  readonly why: string;
  /** Neither equality nor difference could be shown. */
  readonly undecided?: true;
}

/** Whether two parts are equal, each read by its own form. */
export type SamePart = (gold: string, answer: string) => boolean;

export const verdict = (equal: boolean, read: string, why: string): Comparison => ({ equal, read, why });

/** A verdict from what keeps two values apart, if anything does. */
export const fromDifference = (difference: string | undefined, read: string): Comparison =>
  verdict(difference === undefined, read, difference ?? "the values are equal");
