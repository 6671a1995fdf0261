/**
 * Sums and products of more terms than can be gone through: sums of polynomials by Newton's forward differences,
 *
 *     Σ_{i<n} f(i) = Σ_j C(n, j+1)·Δ^j f(0)      (j up to the degree of f)
 *
 * and geometric series by doubling, S(2n) = S(n) + r^n·S(n), which needs no division.
 */
import type { Budget } from "../budget";
import { type Expression, type SymbolNode, isAdd, isMul, isPow, isSeries, isSymbol } from "../tree/expression";
import { ONE, ZERO, integer } from "../rational";
import { depends, endsOf, exponentOf } from "../tree/structure";
import type { NumberSystem } from "./number-system";

/** The highest degree that is summed by differences. */
const MAX_DEGREE = 64;

/**
 * An upper bound of a tree's degree as a polynomial in the variable; NaN if it is not a polynomial, or of a degree over
 * 64.
 */
export function polynomialDegree(budget: Budget, x: Expression, variable: SymbolNode): number {
  const degree = degreeOf(budget, x, variable);
  return degree <= MAX_DEGREE ? degree : NaN;
}

function degreeOf(budget: Budget, x: Expression, variable: SymbolNode): number {
  if (!depends(budget, x, variable)) return 0;
  if (isSymbol(x)) return 1;
  if (isAdd(x)) return Math.max(...x.args.map((arg) => degreeOf(budget, arg, variable)));
  if (isMul(x)) return x.args.reduce((sum, arg) => sum + degreeOf(budget, arg, variable), 0);
  if (isPow(x)) {
    const exponent = exponentOf(x);
    return exponent >= 0 && Number.isInteger(exponent) ? exponent * degreeOf(budget, x.base, variable) : NaN;
  }
  const isInnerSum = isSeries(x) && x.kind === "sum" && endsOf(x).every((end) => !depends(budget, end, variable));
  return isInnerSum ? degreeOf(budget, x.body, variable) : NaN;
}

/** Whether neighboring terms have a constant ratio: c·r^k. */
export function isGeometric(budget: Budget, x: Expression, variable: SymbolNode): boolean {
  if (!depends(budget, x, variable)) return true;
  if (isMul(x)) return x.args.every((arg) => isGeometric(budget, arg, variable));
  if (!isPow(x)) return false;
  return depends(budget, x.base, variable)
    ? Number.isInteger(exponentOf(x)) && isGeometric(budget, x.base, variable)
    : degreeOf(budget, x.exponent, variable) === 1;
}

/** Σ term(i) over 0 <= i < count, where the terms are a polynomial in i of at most this degree. */
export function polynomialSum<T>(
  budget: Budget,
  { of, plus, times, negate, none }: NumberSystem<T>,
  term: (i: bigint) => T,
  count: bigint,
  degree: number,
): T {
  budget.spend(degree ** 2);
  let differences: T[] = [];
  for (let i = 0; i <= degree; i++) {
    const value = term(BigInt(i));
    if (value === null) return none;
    differences.push(value);
  }
  let total = of(ZERO);
  let choices = 1n;
  for (let j = 0n; differences.length > 0; j++) {
    choices = (choices * (count - j)) / (j + 1n);
    total = plus(total, times(of(integer(choices)), differences[0]!));
    differences = differences.slice(1).map((value, i) => plus(value, negate(differences[i]!)));
  }
  return total;
}

/** 1 + r + .. + r^(count-1), and r^count. */
export function geometricSum<T>(
  budget: Budget,
  { of, plus, times }: NumberSystem<T>,
  ratio: T,
  count: bigint,
): { readonly sum: T; readonly power: T } {
  let [sum, power] = [of(ZERO), of(ONE)];
  const bits = count.toString(2);
  budget.spend(4 * bits.length);
  for (const bit of bits) {
    [sum, power] = [plus(sum, times(power, sum)), times(power, power)];
    if (bit === "1") [sum, power] = [plus(sum, power), times(power, ratio)];
  }
  return { sum, power };
}
