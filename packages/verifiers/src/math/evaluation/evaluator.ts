/**
 * Evaluates a tree in a system of numbers: the walk over the tree is the same for exact numbers, residues, magnitudes
 * and doubles with error bounds.
 */
import { type Budget, BudgetError } from "../budget";
import { type BinderNode, type FunctionNode, isAdd, isFunction, isPercent, isPow, isSeries } from "../tree/expression";
import { depends, symbolKey } from "../tree/structure";
import { ONE, ZERO, integer, rational } from "../rational";
import { geometricSum, isGeometric, polynomialDegree, polynomialSum } from "./long-series";
import type { Evaluate, Functions, NumberSystem, Places, Unary } from "./number-system";

/** Longer series are not gone through term by term. */
const MAX_TERMS = 25_000n;
/** Shorter geometric series are. */
const LEAST_GEOMETRIC = 64n;

/** The expression under a Σ, an integral or a limit, as a function of its variable. */
export function bodyOf<T>(budget: Budget, evaluate: Evaluate<T>, x: BinderNode, places?: Places<T>): Unary<T> {
  budget.spend(places?.size ?? 0);
  const inner = new Map(places);
  return (place) => evaluate(x.body, inner.set(symbolKey(x.variable), place));
}

/** The evaluation of trees in one system of numbers. */
export function evaluator<T>(budget: Budget, system: NumberSystem<T>): Evaluate<T> {
  const {
    none,
    of,
    integerOf,
    plus,
    times,
    negate,
    reciprocal,
    raise,
    order,
    floor,
    gamma,
    functions,
    other,
    isExact,
  } = system;
  const extreme =
    (sign: number) =>
    (...args: T[]): T =>
      args.reduce((a, b) => {
        const difference = sign * order(a, b);
        return difference >= 0 ? a : difference < 0 ? b : none;
      });
  const common: Functions<T> = {
    floor,
    gamma,
    ceiling: (a) => negate(floor(negate(a))),
    factorial: (a) => gamma(plus(a, of(ONE))),
    max: extreme(1),
    min: extreme(-1),
    mod: (a, b) => plus(a, negate(times(b, floor(times(a, reciprocal(b)))))),
  };

  /** The sum or product of `count` parts. */
  const combine = (adds: boolean, count: number, part: (i: number) => T): T => {
    let total = of(adds ? ZERO : ONE);
    for (let i = 0; total !== null && i < count; i++) total = (adds ? plus : times)(total, part(i));
    return total;
  };

  /** Σ and Π over an integer range; an empty range is 0 or 1, a reversed one follows Karr's convention as in SymPy. */
  const series = (x: BinderNode, places?: Places<T>): T => {
    const [lower, upper] = [integerOf(x.lower!, places), integerOf(x.upper!, places)];
    if (lower === null || upper === null) return none;
    const reversed = upper < lower - 1n;
    const [from, to] = reversed ? [upper + 1n, lower - 1n] : [lower, upper];
    const total = seriesOver(x, from, to - from + 1n, places);
    if (!reversed || total === null) return total;
    return (x.kind === "sum" ? negate : reciprocal)(total);
  };

  /** Σ or Π over `count` places from one on: by a formula where there is one. */
  const seriesOver = (x: BinderNode, from: bigint, count: bigint, places?: Places<T>): T => {
    const adds = x.kind === "sum";
    const body = bodyOf(budget, evaluate, x, places);
    const term = (i: bigint): T => body(of(integer(from + i)));
    const degree = adds && isExact ? polynomialDegree(budget, x.body, x.variable) : NaN;
    if (count > degree + 2) return polynomialSum(budget, system, term, count, degree);
    if (count > LEAST_GEOMETRIC && adds && isGeometric(budget, x.body, x.variable)) {
      const first = term(0n);
      return first === null
        ? none
        : times(first, geometricSum(budget, system, times(term(1n), reciprocal(first)), count).sum);
    }
    if (count > LEAST_GEOMETRIC && !adds && !depends(budget, x.body, x.variable))
      return geometricSum(budget, system, term(0n), count).power;
    if (count > MAX_TERMS) throw new BudgetError("fuel");
    return combine(adds, Number(count), (i) => term(BigInt(i)));
  };

  const apply = (x: FunctionNode, places?: Places<T>): T => {
    const f = functions[x.name] ?? common[x.name];
    if (!f) return none;
    const args: T[] = [];
    for (const arg of x.args) {
      const value = evaluate(arg, places);
      if (value === null) return none;
      args.push(value);
    }
    return f(...(args as [NonNullable<T>, NonNullable<T>]));
  };

  const evaluate: Evaluate<T> = (x, places) => {
    budget.spend(1);
    // The kinds that most trees are made of, told apart in the quickest way.
    switch (x.kind) {
      case "number":
        return of(x.value);
      case "symbol":
        return places?.get(symbolKey(x)) ?? other?.(x, places) ?? none;
      case "add":
      case "mul":
        return combine(isAdd(x), x.args.length, (i) => evaluate(x.args[i]!, places));
    }
    const special = other?.(x, places);
    if (special !== undefined) return special;
    if (isPow(x)) {
      const base = evaluate(x.base, places);
      return base === null ? none : raise(base, evaluate(x.exponent, places));
    }
    if (isFunction(x)) return apply(x, places);
    if (isSeries(x)) return series(x, places);
    return isPercent(x) ? of(rational(1n, 100n)) : none;
  };
  return evaluate;
}
