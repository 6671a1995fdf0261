/**
 * What one comparison works with.
 */
import type { Budget } from "../budget";
import type { Calculator } from "../evaluation/calculator";

export interface Comparison {
  readonly budget: Budget;
  readonly calculator: Calculator;
  /** Decimals to which a decimal number is compared. */
  readonly decimals: number;
  /**
   * Significant digits within which two irrational constants count as equal: fewer than 15 widen the distance that is
   * overlooked.
   */
  readonly precision: number;
}
