/**
 * `(a, b]` as an interval, with the cases that are none: `(2, 1)` and `[2, 1]` are tuples, `[1, 1]` the set {1},
 * `(2, 1]` is empty, and an infinite end is open whatever the bracket says (SymPy 1.14 `Interval`,
 * latex2sympy2_extended 1.11).
 */
import {
  EMPTY_SET,
  type Expression,
  INFINITY,
  isConstant,
  isMatrix,
  isOpaque,
  isSymbol,
  negative,
  tuple,
} from "../tree/expression";
import { finiteSet } from "../tree/identity";
import { childrenOf } from "../tree/traversal";
import type { LatexReader } from "./latex-reader";

const CLOSER = /[)\]]|rgroup|rbrack/;
const CLOSED = /[[\]]|brack/;

/** An opening bracket, two ends with a comma between them, and any closing bracket. */
export function parseInterval(reader: LatexReader): Expression {
  const leftOpen = !CLOSED.test(reader.peek());
  reader.take();
  const start = reader.expression();
  reader.expect(",");
  const end = reader.expression();
  const closer = reader.peek();
  reader.take();
  return CLOSER.test(closer)
    ? makeInterval(reader, { start, end, leftOpen, rightOpen: !CLOSED.test(closer) })
    : reader.fail();
}

/** Two ends in brackets. */
interface Ends {
  readonly start: Expression;
  readonly end: Expression;
  readonly leftOpen: boolean;
  readonly rightOpen: boolean;
}

/** The interval, tuple or set that two bracketed ends stand for; unbuildable when an end is no real number. */
function makeInterval(reader: LatexReader, { start, end, leftOpen, rightOpen }: Ends): Expression {
  const { calculator } = reader.context;
  const order = calculator.compareReals(start, end) ?? -1;
  const isPair = order > 0 ? leftOpen === rightOpen : order === 0 && leftOpen && rightOpen;
  if (isPair) return tuple([start, end]);
  if (order >= 0) {
    const isEmpty = order > 0 || leftOpen || rightOpen || (isConstant(start) && start.name === "oo");
    return isEmpty ? EMPTY_SET : finiteSet([end]);
  }
  if (neverReal(start) || neverReal(end)) return reader.unbuildable();
  return {
    kind: "interval",
    start,
    end,
    leftOpen: leftOpen || calculator.compareReals(start, negative(INFINITY)) === 0,
    rightOpen: rightOpen || calculator.compareReals(end, INFINITY) === 0,
  };
}

function neverReal(x: Expression): boolean {
  if (isMatrix(x) || isOpaque(x)) return true;
  if (isConstant(x)) return /^(I|zoo|nan)$/.test(x.name);
  return isSymbol(x) ? !x.real : childrenOf(x).some(neverReal);
}
