/**
 * Whether two trees have the same value. This stands for `simplify(a - b) == 0` and `(a - b).evalf(chop=True) == 0` of
 * Math-Verify 0.9.
 */
import { differentiate } from "../evaluation/derivatives";
import { type BinderNode, type Expression, isAdd, isIntegral } from "../tree/expression";
import { same } from "../tree/identity";
import { depends, freeSymbols } from "../tree/structure";
import type { Comparison } from "./comparison";
import { sameConstant } from "./constants";
import { sameFunction } from "./functions";
import { asDerived } from "./simplification";

/** Of a primitive against its integrand. */
const FULL_PRECISION = 15;

/**
 * Whether `a` and `b` are equal wherever both are defined.
 *
 * @throws BudgetError
 */
export function sameValue(comparison: Comparison, a: Expression, b: Expression): boolean {
  const { budget } = comparison;
  const symbols = freeSymbols(budget, b, freeSymbols(budget, a));
  if (symbols.size === 0) return sameConstant(comparison, a, b);
  if (isIntegral(a) && !a.lower) return isPrimitive(comparison, b, a);
  if (isIntegral(b) && !b.lower) return isPrimitive(comparison, a, b);
  return asDerived(comparison, b, a) && asDerived(comparison, a, b) && sameFunction(comparison, a, b, symbols);
}

/** Whether f is the indefinite integral as the reference gives it, without a constant. */
function isPrimitive(comparison: Comparison, f: Expression, x: BinderNode): boolean {
  const { budget } = comparison;
  if (isIntegral(f)) return same(f.body, x.body) && same(f.variable, x.variable);
  const slope = differentiate(budget, f, x.variable);
  if (isAdd(f) && f.args.some((term) => !depends(budget, term, x.variable))) return false;
  const symbols = freeSymbols(budget, x.body, freeSymbols(budget, slope));
  return symbols.size === 0
    ? sameConstant({ ...comparison, precision: FULL_PRECISION }, slope, x.body)
    : sameFunction(comparison, slope, x.body, symbols);
}
