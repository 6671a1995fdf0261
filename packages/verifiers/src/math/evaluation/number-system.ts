/**
 * A system of numbers in which trees are evaluated: exact numbers, residues, magnitudes or doubles with error bounds.
 */
import type { Rational } from "../rational";
import type { Expression } from "../tree/expression";

/** Values of the symbols by `symbolKey`, if there are symbols. */
export type Places<T> = ReadonlyMap<string, T> | null | undefined;
export type Evaluate<T> = (x: Expression, places?: Places<T>) => T;
type Binary<T> = (a: T, b: T) => T;
export type Unary<T> = (a: T) => T;
/** Functions by their names: most have one argument, the longest lists have max and min. */
export type Functions<T> = Readonly<Record<string, (...args: [NonNullable<T>, NonNullable<T>]) => T>>;

/** A system of numbers. Null is a number without a value: it ends the work at once, and the operations pass it on. */
export interface NumberSystem<T> {
  /** The number without a value. */
  readonly none: T;
  /** A rational as a number of the system. */
  readonly of: (value: Rational) => T;
  /** The integer that a tree equals, for example a bound of a sum; null if it is not an integer. */
  readonly integerOf: (x: Expression, places?: Places<T>) => bigint | null;
  readonly plus: Binary<T>;
  readonly times: Binary<T>;
  readonly negate: Unary<T>;
  readonly reciprocal: Unary<T>;
  readonly raise: Binary<T>;
  /** Below, at or above 0 as two numbers are in order; NaN if they have no order. */
  readonly order: (a: T, b: T) => number;
  readonly floor: Unary<T>;
  readonly gamma: Unary<T>;
  /** Functions that this system computes in its own way. */
  readonly functions: Functions<T>;
  /** Trees that this system evaluates in its own way; undefined: as every system does. */
  readonly other?: (x: Expression, places?: Places<T>) => T | undefined;
  /** Whether arithmetic is free of rounding, so that differences of neighboring terms can be trusted. */
  readonly isExact: boolean;
}
