/**
 * The value of a tree without symbols.
 */
import { type Approximation, UNDEFINED, exactly } from "../evaluation/complex";
import { evaluateExactly } from "../evaluation/exact";
import { nearValue } from "../evaluation/magnitude";
import type { Expression } from "../expression";
import { type Rational, toNumber } from "../rational";
import { freeSymbols } from "../structure";

/**
 * The exact value of a constant when it has one within the limits, and a double that it is near; not a number where there are symbols,
 * and beyond doubles.
 */
export type ConstantValue = readonly [exact: Rational | null, near: Approximation];

export const constantValue = (x: Expression): ConstantValue => {
  if (freeSymbols(x).size > 0) return [null, UNDEFINED];
  const exact = evaluateExactly(x);
  return [exact, exact ? exactly(toNumber(exact)) : nearValue(x)];
};
