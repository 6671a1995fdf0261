/**
 * The two limits that make a verdict the same on every machine: steps (fuel) and the size of exact numbers (bits).
 * Every loop that an input can lengthen spends fuel; exact arithmetic refuses results above the bit limit. Wall-clock time
 * never decides a verdict.
 *
 * Reading and comparing are synchronous and do not nest, so what is left of the limits is kept here, set anew by `startBudget`, and
 * need not be handed through every function.
 */

import { max } from "./floats";

/** Limits of one `parse` or `verify` call. Both are counts, so they mean the same on every machine. */
export interface Limits {
  /** Steps one call may take; by default 1.5 million and 10 a character. A step is a character scanned, a token read or a node visited, give or take a constant. */
  readonly fuel?: number;
  /** Largest numerator or denominator of an exact number, in bits; a million at most. */
  readonly bits?: number;
}

const DEFAULT_FUEL = 1_500_000;
const DEFAULT_BITS = 16_384;

/** Thrown inside when a limit is reached; `judge` turns it into an undecided verdict, `verify` into false. */
export class BudgetError extends RangeError {
  override readonly name = "BudgetError";
  constructor(readonly limit: "fuel" | "bits") {
    super(limit === "fuel" ? "the step budget is spent" : "an exact number outgrew the bit budget");
  }
}

let fuel = 0;
let bitLimit = DEFAULT_BITS;

/** Numbers of more bits are beyond what a BigInt does in a moment. */
const MOST_BITS = 1_000_000;

const inRange = (name: string, value: number, most: number): number => {
  if (value >= 0 && value <= most) return value;
  throw new RangeError(`${name}: expected a number from 0 to ${most}, found ${value}`);
};

/**
 * Sets the limits for what follows.
 *
 * @throws RangeError for limits that are none
 * @param length of the text read: finding an answer costs a few steps a character, which long responses bring along
 */
export const startBudget = (limits: Limits, length = 0): void => {
  fuel = inRange("fuel", limits.fuel ?? DEFAULT_FUEL + 10 * length, Infinity);
  bitLimit = inRange("bits", limits.bits ?? DEFAULT_BITS, MOST_BITS);
};

/**
 * Takes steps off the budget.
 *
 * @throws BudgetError when fewer are left
 */
export const spend = (steps: number): void => {
  fuel -= steps;
  if (fuel < 0) throw new BudgetError("fuel");
};

/**
 * To be called before a number of this many bits is made.
 *
 * @throws BudgetError when that is more than the limit
 */
export const checkBits = (bits: number): void => {
  if (bits > bitLimit) throw new BudgetError("bits");
};

/**
 * What `run` returns when it stays within the limits, else undefined. Whatever is left undone can then be tried in another way.
 *
 * @param share part of the remaining steps that `run` may take; the rest stays for the caller
 */
export const attemptWithin = <T>(share: number, run: () => T): T | undefined => {
  const kept = fuel * (1 - share);
  fuel -= kept;
  try {
    return run();
  } catch (error) {
    if (error instanceof BudgetError) return undefined;
    throw error;
  } finally {
    fuel = max(fuel, 0) + kept;
  }
};

/** What `run` returns, or what `otherwise` says when it reaches a limit. */
export const withinLimits = <T>(run: () => T, otherwise: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (error instanceof BudgetError) return otherwise();
    throw error;
  }
};
