/**
 * What a tree is worth in a system of numbers: the walk over the tree is the same for exact numbers and for doubles with error bounds.
 */
import { spend } from "../budget";
import { type BinderNode, type Expression, isAdd, isMul, isNumber, isPercent, isPow, isSymbol } from "../expression";
import { ONE, type Rational, ZERO, integer, rational } from "../rational";
import { symbolKey } from "../structure";

/** Values of the symbols by `symbolKey`, if there are symbols. */
export type Places<T> = ReadonlyMap<string, T> | null | undefined;
type Evaluate<T> = (x: Expression, places?: Places<T>) => T;
type Binary<T> = (a: T, b: T) => T;
type Unary<T> = (a: T) => T;

const HUNDREDTH = rational(1n, 100n);
const MAX_TERMS = 20_000n;

/** What stands under a Σ, an integral or a limit, as a function of its variable. */
export const bodyOf = <T>(evaluate: Evaluate<T>, x: BinderNode, places?: Places<T>): Unary<T> => {
  const inner = new Map(places);
  return (place) => evaluate(x.body, inner.set(symbolKey(x.variable), place));
};

/**
 * The evaluation of trees in one system of numbers.
 *
 * @param none what has no value; null ends the work at once, and the operations hand it on
 * @param of the number of the system that a rational is
 * @param whole the integer that a number is; null where it is none
 * @param other for the trees that have a meaning of their own in the system, before they are worked out as everywhere
 */
export const evaluator = <T extends object | null>(
  none: T,
  of: (value: Rational) => T,
  whole: (a: T) => bigint | null,
  plus: Binary<T>,
  times: Binary<T>,
  negate: Unary<T>,
  reciprocal: Unary<T>,
  raise: Binary<T>,
  other: (x: Expression, places?: Places<T>) => T | undefined,
): Evaluate<T> => {
  const combine = (adds: boolean, count: number, part: (i: number) => T): T => {
    let total = of(adds ? ZERO : ONE);
    for (let i = 0; total && i < count; i++) total = (adds ? plus : times)(total, part(i));
    return total;
  };

  /** Σ and Π over an integer range; an empty range is 0 or 1, a reversed one follows Karr's convention as in SymPy. */
  const series = (x: BinderNode, places?: Places<T>): T => {
    const [lower, upper] = [whole(evaluate(x.lower!, places)), whole(evaluate(x.upper!, places))];
    if (lower === null || upper === null) return none;
    const reversed = upper < lower - 1n;
    const [from, to] = reversed ? [upper + 1n, lower - 1n] : [lower, upper];
    if (to - from > MAX_TERMS) spend(Infinity);
    const adds = x.kind === "sum";
    const term = bodyOf(evaluate, x, places);
    const total = combine(adds, Number(to - from) + 1, (i) => term(of(integer(from + BigInt(i)))));
    return reversed && total ? (adds ? negate : reciprocal)(total) : total;
  };

  const evaluate: Evaluate<T> = (x, places) => {
    spend(1);
    if (isNumber(x)) return of(x.value);
    if (isPercent(x)) return of(HUNDREDTH);
    if (isSymbol(x)) return places?.get(symbolKey(x)) ?? none;
    if (isAdd(x) || isMul(x)) return combine(isAdd(x), x.args.length, (i) => evaluate(x.args[i]!, places));
    const special = other(x, places);
    if (special !== undefined) return special;
    if (isPow(x)) {
      const base = evaluate(x.base, places);
      return base && raise(base, evaluate(x.exponent, places));
    }
    return x.kind === "sum" || x.kind === "product" ? series(x, places) : none;
  };
  return evaluate;
};

/** The functions that are the same in every system, given what they are made of. `order` is not a number where two have no order. */
export const sharedFunctions = <T>(
  none: T,
  one: T,
  plus: Binary<T>,
  times: Binary<T>,
  negate: Unary<T>,
  reciprocal: Unary<T>,
  order: (a: T, b: T) => number,
  floor: Unary<T>,
  gamma: Unary<T>,
): Record<string, (...args: [T, T]) => T> => {
  const extreme = (sign: number) => (...args: T[]): T => args.reduce((a, b) => {
    const difference = sign * order(a, b);
    return difference >= 0 ? a : difference < 0 ? b : none;
  });
  return {
    floor,
    gamma,
    ceiling: (a) => negate(floor(negate(a))),
    factorial: (a) => gamma(plus(a, one)),
    max: extreme(1),
    min: extreme(-1),
    mod: (a, b) => plus(a, negate(times(b, floor(times(a, reciprocal(b)))))),
  };
};
