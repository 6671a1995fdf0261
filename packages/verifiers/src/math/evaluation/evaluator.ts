/**
 * What a tree is worth in a system of numbers: the walk over the tree is the same for exact numbers and for doubles with error bounds.
 */
import { spend } from "../budget";
import {
  type BinderNode,
  type Expression,
  type FunctionNode,
  isAdd,
  isFunction,
  isPercent,
  isPow,
  isSeries,
} from "../expression";
import { ONE, type Rational, ZERO, integer, rational } from "../rational";
import { symbolKey } from "../structure";

/** Values of the symbols by `symbolKey`, if there are symbols. */
export type Places<T> = ReadonlyMap<string, T> | null | undefined;
type Evaluate<T> = (x: Expression, places?: Places<T>) => T;
type Binary<T> = (a: T, b: T) => T;
type Unary<T> = (a: T) => T;
/** Functions by their names: most have one argument, the longest lists have max and min. */
type Functions<T> = Readonly<Record<string, (...args: [NonNullable<T>, NonNullable<T>]) => T>>;

const MAX_TERMS = 20_000n;

/** What stands under a Σ, an integral or a limit, as a function of its variable. */
export const bodyOf = <T>(evaluate: Evaluate<T>, x: BinderNode, places?: Places<T>): Unary<T> => {
  spend(places?.size ?? 0);
  const inner = new Map(places);
  return (place) => evaluate(x.body, inner.set(symbolKey(x.variable), place));
};

/**
 * The evaluation of trees in one system of numbers.
 *
 * @param none what has no value; null ends the work at once, and the operations hand it on
 * @param of the number of the system that a rational is
 * @param whole the integer that a number is; null where it is none
 * @param order below, at or above 0 as two numbers are in order; not a number where they have none
 * @param functions those that are worked out otherwise than in another system
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
  order: (a: T, b: T) => number,
  floor: Unary<T>,
  gamma: Unary<T>,
  functions: Functions<T>,
  other?: (x: Expression, places?: Places<T>) => T | undefined,
): Evaluate<T> => {
  const extreme =
    (sign: number) =>
    (...args: T[]): T =>
      args.reduce((a, b) => {
        const difference = sign * order(a, b);
        return difference >= 0 ? a : difference < 0 ? b : none;
      });
  const all: Functions<T> = {
    floor,
    gamma,
    ceiling: (a) => negate(floor(negate(a))),
    factorial: (a) => gamma(plus(a, of(ONE))),
    max: extreme(1),
    min: extreme(-1),
    mod: (a, b) => plus(a, negate(times(b, floor(times(a, reciprocal(b)))))),
    ...functions,
  };

  /** The sum or product of so many parts. */
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

  const apply = (x: FunctionNode, places?: Places<T>): T => {
    const args: T[] = [];
    for (const arg of all[x.name] ? x.args : []) {
      const value = evaluate(arg, places);
      if (!value) return none;
      args.push(value);
    }
    return all[x.name]?.(...(args as [NonNullable<T>, NonNullable<T>])) ?? none;
  };

  const evaluate: Evaluate<T> = (x, places) => {
    spend(1);
    // The kinds that most trees are made of, told apart in the quickest way.
    switch (x.kind) {
      case "number":
        return of(x.value);
      case "symbol":
        return places?.get(symbolKey(x)) ?? none;
      case "add":
      case "mul":
        return combine(isAdd(x), x.args.length, (i) => evaluate(x.args[i]!, places));
    }
    const special = other?.(x, places);
    if (special) return special;
    if (isPow(x)) {
      const base = evaluate(x.base, places);
      return base && raise(base, evaluate(x.exponent, places));
    }
    if (isFunction(x)) return apply(x, places);
    if (isSeries(x)) return series(x, places);
    return isPercent(x) ? of(rational(1n, 100n)) : none;
  };
  return evaluate;
};
