/**
 * `(a, b]` as an interval, with the cases that are none: `(2, 1)` and `[2, 1]` are tuples, `[1, 1]` the set {1}, `(2, 1]` is empty,
 * and an infinite end is open whatever the bracket says (SymPy 1.14 `Interval`, latex2sympy2_extended 1.11).
 */
import { EMPTY_SET, type Expression, childrenOf, finiteSet, isConstant, isMatrix, isOpaque, isSymbol, tuple, productOf } from "../expression";
import { compareReals } from "../evaluation/order";

/** The interval, tuple or set that two bracketed ends stand for; null when an end is no real number. */
export const makeInterval = (start: Expression, end: Expression, leftOpen: boolean, rightOpen: boolean): Expression | null => {
  const order = compareReals(start, end);
  if (order !== null) {
    if ((leftOpen && rightOpen && order >= 0) || (!leftOpen && !rightOpen && order > 0)) return tuple([start, end]);
    if (order > 0 || (order === 0 && (leftOpen || rightOpen))) return EMPTY_SET;
    if (order === 0) return isConstant(start) && start.name === "oo" ? EMPTY_SET : finiteSet([end]);
  }
  if (neverReal(start) || neverReal(end)) return null;
  return {
    kind: "interval",
    start,
    end,
    leftOpen: leftOpen || isInfinite(start, -1),
    rightOpen: rightOpen || isInfinite(end, 1),
  };
};

const neverReal = (x: Expression): boolean => {
  if (isMatrix(x) || isOpaque(x) || (isConstant(x) && (x.name === "I" || x.name === "zoo" || x.name === "nan"))) return true;
  if (isSymbol(x)) return !x.real;
  return childrenOf(x).some(neverReal);
};

const isInfinite = (x: Expression, sign: 1 | -1): boolean => {
  const infinite: Expression = { kind: "constant", name: "oo" };
  return compareReals(x, sign === 1 ? infinite : productOf([{ kind: "number", value: { n: -1n, d: 1n }, float: false }, infinite])) === 0;
};
