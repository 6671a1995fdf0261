/**
 * The values of trees, worked out within one budget: exactly, in doubles, by size, and modulo a large prime.
 */
import type { Budget } from "../budget";
import type { Expression } from "../tree/expression";
import { compare } from "../rational";
import { type Approximation, UNDEFINED, isDefined, isReal } from "./complex";
import type { Evaluate, Places } from "./number-system";
import { type Exact, exactEvaluator } from "./exact";
import { type Magnitude, approximationOf, isInfinite, magnitudeEvaluator, orderOf } from "./magnitude";
import { approximateEvaluator } from "./numeric";
import { residueEvaluator } from "./residue";

/** Stands for a value that may be rational but takes more steps or bits to write out than there are. */
export const OUT_OF_REACH = Symbol("out of reach");

/** Part of the remaining steps that one way of working out a value may take; other ways need the rest. */
const SHARE = 0.5;

/** What an evaluator returns is made when it is first asked for: most comparisons need one or two. */
function lazy<T>(make: () => Evaluate<T>): Evaluate<T> {
  let evaluate: Evaluate<T> | undefined;
  return (x, places) => (evaluate ??= make())(x, places);
}

export class Calculator {
  readonly budget: Budget;
  /** The rational a tree is worth; null when there is none, or it is out of reach. See `exactValue`. */
  readonly evaluateExactly: Evaluate<Exact>;
  /**
   * What a tree is near in complex doubles; `UNDEFINED` (not a number) where there is no value.
   *
   * @throws BudgetError
   */
  readonly approximate: Evaluate<Approximation>;
  /**
   * How large a constant is.
   *
   * @throws BudgetError
   */
  readonly magnitude: Evaluate<Magnitude>;
  /**
   * The residue of a constant modulo a large prime; null where its value is not known to be rational.
   *
   * @throws BudgetError
   */
  readonly residue: Evaluate<bigint | null>;
  /**
   * The residue of a tree in which everything irrational, and every symbol, is an unknown.
   *
   * @throws BudgetError
   */
  readonly residueWithUnknowns: Evaluate<bigint | null>;
  readonly #exact: Evaluate<Exact>;

  constructor(budget: Budget) {
    this.budget = budget;
    this.#exact = lazy(() => exactEvaluator(budget));
    this.evaluateExactly = (x, places) => {
      const value = this.exactValue(x, places);
      return value === OUT_OF_REACH ? null : value;
    };
    this.approximate = lazy(() => approximateEvaluator(budget, this.evaluateExactly));
    this.magnitude = lazy(() => magnitudeEvaluator(this));
    this.residue = lazy(() => residueEvaluator(this, false));
    this.residueWithUnknowns = lazy(() => residueEvaluator(this, true));
  }

  /**
   * The rational a tree is worth; null when the value is irrational, undefined or unknown; `OUT_OF_REACH` where the
   * limits end the work.
   *
   * @param places values of the symbols by `symbolKey`
   */
  exactValue(x: Expression, places?: Places<Exact>): Exact | typeof OUT_OF_REACH {
    const value = this.budget.attempt(SHARE, () => this.#exact(x, places));
    return value === undefined ? OUT_OF_REACH : value;
  }

  /**
   * What a constant is near in doubles, also where a part of it is beyond them, as in ln(2^20000); not a number where
   * it only seems infinite because it is itself beyond them.
   */
  nearValue(x: Expression): Approximation {
    const value = this.budget.attempt(SHARE, () => this.approximate(x)) ?? UNDEFINED;
    if (isDefined(value)) return value;
    const magnitude = this.budget.attempt(SHARE, () => this.magnitude(x));
    if (!magnitude) return UNDEFINED;
    return isInfinite(magnitude) && isReal(value) ? value : approximationOf(magnitude);
  }

  /**
   * Below 0, 0 or above 0 as a is below, at or above b; null when the two hold symbols, are not real, or cannot be told
   * apart.
   */
  compareReals(a: Expression, b: Expression): number | null {
    const [x, y] = [this.evaluateExactly(a), this.evaluateExactly(b)];
    if (x && y) return compare(x, y);
    const [p, q] = [this.nearValue(a), this.nearValue(b)];
    const difference = p.re === q.re ? 0 : p.re - q.re;
    if (isReal(p) && isReal(q) && !Number.isNaN(difference))
      return isDefined(p) && isDefined(q) && Math.abs(difference) <= p.error + q.error ? 0 : difference;
    const order = this.budget.attempt(SHARE, () => orderOf(this.magnitude(a), this.magnitude(b))) ?? NaN;
    return Number.isNaN(order) ? null : order;
  }
}
