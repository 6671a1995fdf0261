/**
 * `(a, b]` as an interval, with the cases that are none: `(2, 1)` and `[2, 1]` are tuples, `[1, 1]` the set {1}, `(2, 1]` is empty,
 * and an infinite end is open whatever the bracket says (SymPy 1.14 `Interval`, latex2sympy2_extended 1.11).
 */
import type { Budget } from "../budget";
import { EMPTY_SET, type Expression, childrenOf, finiteSet } from "../expression";
import { compareReals } from "../evaluation/order";

/** The interval, tuple or set that two bracketed ends stand for; null when an end is no real number. */
export function makeInterval(start: Expression, end: Expression, leftOpen: boolean, rightOpen: boolean, budget: Budget): Expression | null {
  const order = compareReals(start, end, budget);
  if (order !== null) {
    if ((leftOpen && rightOpen && order >= 0) || (!leftOpen && !rightOpen && order > 0)) return { kind: "tuple", items: [start, end] };
    if (order > 0 || (order === 0 && (leftOpen || rightOpen))) return EMPTY_SET;
    if (order === 0) return start.kind === "constant" && start.name === "oo" ? EMPTY_SET : finiteSet([end]);
  }
  if (neverReal(start) || neverReal(end)) return null;
  return {
    kind: "interval",
    start,
    end,
    leftOpen: leftOpen || isInfinite(start, -1, budget),
    rightOpen: rightOpen || isInfinite(end, 1, budget),
  };
}

function neverReal(x: Expression): boolean {
  if (x.kind === "matrix" || x.kind === "opaque" || (x.kind === "constant" && (x.name === "I" || x.name === "zoo" || x.name === "nan"))) return true;
  if (x.kind === "symbol") return !x.real;
  return childrenOf(x).some(neverReal);
}

function isInfinite(x: Expression, sign: 1 | -1, budget: Budget): boolean {
  const infinite: Expression = { kind: "constant", name: "oo" };
  return compareReals(x, sign === 1 ? infinite : { kind: "mul", args: [{ kind: "number", value: { n: -1n, d: 1n }, float: false }, infinite] }, budget) === 0;
}
