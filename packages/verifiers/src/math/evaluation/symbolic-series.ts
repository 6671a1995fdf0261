/**
 * Σ and Π that are not added up term by term: endless ones, and those over symbolic bounds.
 */
import type { Budget } from "../budget";
import { type BinderNode, type Expression, isAdd, isMul, isNumber, isPow, isSymbol } from "../tree/expression";
import { depends, freeSymbols } from "../tree/structure";
import { isInteger } from "../rational";
import { type Approximation, UNDEFINED, exactly, isDefined, isReal, plus, raise, times } from "./complex";
import { infiniteSum } from "./extrapolation";
import { unknownFunction } from "./unknown-function";

/** The parts of a sum or product with their values. */
interface SeriesValues {
  /** What is summed, as a function of the variable. */
  readonly term: (place: number) => Approximation;
  readonly lower: Approximation;
  readonly upper: Approximation;
  /** Whether functions, not constants, are compared. */
  readonly isSymbolic: boolean;
}

/**
 * Over symbolic bounds the reference finds closed forms only of polynomials and of c^k, so that other terms are carried
 * by an unknown function of the bounds and two of the terms: equal for the same series, linear (or multiplicative) in
 * what is summed.
 *
 * @returns undefined for a series that is to be gone through term by term
 */
export function seriesValue(
  budget: Budget,
  x: BinderNode,
  { term, lower, upper, isSymbolic }: SeriesValues,
): Approximation | undefined {
  const isSum = x.kind === "sum";
  const isEndless = upper.re === Infinity;
  if (!isSymbolic || hasClosedForm(budget, x)) {
    if (!isEndless || !isReal(upper) || !isReal(lower) || !Number.isInteger(lower.re)) return undefined;
    const limit = isSum ? infiniteSum(budget, term, lower.re) : UNDEFINED;
    if (!isSymbolic || isDefined(limit)) return limit;
  }
  const weight = unknownFunction(budget, x.kind, isEndless ? [lower] : [lower, upper]);
  const [one, another] = [term(2.3), term(5.7)];
  return isSum ? times(weight, plus(one, times(exactly(3.1), another))) : raise(times(one, another), weight);
}

export function hasSymbolicBounds(budget: Budget, x: BinderNode): boolean {
  return freeSymbols(budget, x.lower!).size + freeSymbols(budget, x.upper!).size > 0;
}

/** Whether the reference works out a sum (or product) whose bounds hold symbols. */
function hasClosedForm(budget: Budget, x: BinderNode): boolean {
  const isConstant = (part: Expression): boolean => !depends(budget, part, x.variable);
  const hasOneSymbol = (part: Expression): boolean => freeSymbols(budget, part).size === 1;
  const isPolynomial = (part: Expression): boolean => {
    if (isSymbol(part) || isConstant(part)) return true;
    if (isMul(part) || (isAdd(part) && hasOneSymbol(part))) return part.args.every(isPolynomial);
    if (!isPow(part) || !isNumber(part.exponent)) return false;
    const { value } = part.exponent;
    return value.n > 0n && isInteger(value) && isPolynomial(part.base);
  };
  const isGeometric = (part: Expression): boolean => {
    if (isPow(part)) return isNumber(part.base) && part.base.value.n > 0n && isSymbol(part.exponent);
    if (!isMul(part)) return false;
    return part.args.filter((factor) => !isNumber(factor)).length === 1 && part.args.some(isGeometric);
  };
  const isTerm = (part: Expression): boolean => isPolynomial(part) || isGeometric(part);

  if (!hasSymbolicBounds(budget, x)) return true;
  if (x.kind === "product") return isConstant(x.body);
  if (!isAdd(x.body)) return isTerm(x.body);
  return x.body.args.every((part) => isConstant(part) || (hasOneSymbol(part) && isTerm(part)));
}
