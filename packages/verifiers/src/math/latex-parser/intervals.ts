/**
 * `(a, b]` as an interval, with the cases that are none: `(2, 1)` and `[2, 1]` are tuples, `[1, 1]` the set {1}, `(2, 1]` is empty,
 * and an infinite end is open whatever the bracket says (SymPy 1.14 `Interval`, latex2sympy2_extended 1.11).
 */
import {
  EMPTY_SET,
  type Expression,
  INFINITY,
  childrenOf,
  finiteSet,
  isConstant,
  isMatrix,
  isOpaque,
  isSymbol,
  negative,
  tuple,
} from "../expression";
import { compareReals } from "../evaluation/order";
import { unbuildable } from "./token-reader";

/** The interval, tuple or set that two bracketed ends stand for; unbuildable when an end is no real number. */
export const makeInterval = (start: Expression, end: Expression, leftOpen: boolean, rightOpen: boolean): Expression => {
  const order = compareReals(start, end) ?? -1;
  if (order > 0 ? leftOpen === rightOpen : order === 0 && leftOpen && rightOpen) return tuple([start, end]);
  if (order >= 0)
    return order > 0 || leftOpen || rightOpen || (isConstant(start) && start.name === "oo")
      ? EMPTY_SET
      : finiteSet([end]);
  return neverReal(start) || neverReal(end)
    ? unbuildable()
    : {
        kind: "interval",
        start,
        end,
        leftOpen: leftOpen || compareReals(start, negative(INFINITY)) === 0,
        rightOpen: rightOpen || compareReals(end, INFINITY) === 0,
      };
};

const neverReal = (x: Expression): boolean =>
  isMatrix(x) ||
  isOpaque(x) ||
  (isConstant(x) && /^(I|zoo|nan)$/.test(x.name)) ||
  (isSymbol(x) && !x.real) ||
  childrenOf(x).some(neverReal);
