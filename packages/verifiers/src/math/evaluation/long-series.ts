/**
 * Sums and products of more terms than can be gone through: sums of polynomials by Newton's forward differences,
 *
 *     Σ_{i<n} f(i) = Σ_j C(n, j+1)·Δ^j f(0)      (j up to the degree of f)
 *
 * and geometric series by doubling, S(2n) = S(n) + r^n·S(n), which needs no division.
 */
import { spend } from "../budget";
import { type Expression, type SymbolNode, isAdd, isMul, isPow, isSeries, isSymbol } from "../expression";
import { isInteger, max } from "../floats";
import { ONE, ZERO, integer } from "../rational";
import { depends, endsOf, exponentOf } from "../structure";
import type { NumberSystem } from "./evaluator";

/** The highest degree that is summed by differences. */
const MAX_DEGREE = 64;

/** The degree that a tree cannot exceed as a polynomial in the variable; not a number where it is none, or of a high one. */
export const polynomialDegree = (x: Expression, variable: SymbolNode): number => {
  const degree = degreeOf(x, variable);
  return degree <= MAX_DEGREE ? degree : NaN;
};

const degreeOf = (x: Expression, variable: SymbolNode): number => {
  if (!depends(x, variable)) return 0;
  if (isSymbol(x)) return 1;
  if (isAdd(x)) return max(...x.args.map((arg) => degreeOf(arg, variable)));
  if (isMul(x)) return x.args.reduce((sum, arg) => sum + degreeOf(arg, variable), 0);
  if (isPow(x)) {
    const exponent = exponentOf(x);
    return exponent >= 0 && isInteger(exponent) ? exponent * degreeOf(x.base, variable) : NaN;
  }
  const isInnerSum = isSeries(x) && x.kind === "sum" && endsOf(x).every((end) => !depends(end, variable));
  return isInnerSum ? degreeOf(x.body, variable) : NaN;
};

/** Whether neighboring terms have a constant ratio: c·r^k. */
export const isGeometric = (x: Expression, variable: SymbolNode): boolean => {
  if (!depends(x, variable)) return true;
  if (isMul(x)) return x.args.every((arg) => isGeometric(arg, variable));
  if (!isPow(x)) return false;
  return depends(x.base, variable)
    ? isInteger(exponentOf(x)) && isGeometric(x.base, variable)
    : degreeOf(x.exponent, variable) === 1;
};

/** Σ term(i) over 0 <= i < count, where the terms are a polynomial in i of at most this degree. */
export const polynomialSum = <T>(
  { of, plus, times, negate, none }: NumberSystem<T>,
  term: (i: bigint) => T,
  count: bigint,
  degree: number,
): T => {
  spend(degree ** 2);
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
};

/** 1 + r + .. + r^(count-1), and r^count. */
export const geometricSum = <T>(
  { of, plus, times }: NumberSystem<T>,
  ratio: T,
  count: bigint,
): { readonly sum: T; readonly power: T } => {
  let [sum, power] = [of(ZERO), of(ONE)];
  for (const bit of count.toString(2)) {
    [sum, power] = [plus(sum, times(power, sum)), times(power, power)];
    if (bit === "1") [sum, power] = [plus(sum, power), times(power, ratio)];
  }
  return { sum, power };
};
