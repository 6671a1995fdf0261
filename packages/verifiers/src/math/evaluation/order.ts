/**
 * Which of two constant trees is the larger real number.
 */
import { abs, isNaN } from "../floats";
import type { Expression } from "../expression";
import { compare } from "../rational";
import { isDefined, isReal } from "./complex";
import { evaluateExactly } from "./exact";
import { magnitudeOf, nearValue, orderOf } from "./magnitude";

/** Below 0, 0 or above 0; null when the two hold symbols, are not real, or cannot be told apart. */
export const compareReals = (a: Expression, b: Expression): number | null => {
  const [x, y] = [evaluateExactly(a), evaluateExactly(b)];
  if (x && y) return compare(x, y);
  const [p, q] = [nearValue(a), nearValue(b)];
  const difference = p.re === q.re ? 0 : p.re - q.re;
  if (isReal(p) && isReal(q) && !isNaN(difference))
    return isDefined(p) && isDefined(q) && abs(difference) <= p.error + q.error ? 0 : difference;
  const order = orderOf(magnitudeOf(a), magnitudeOf(b));
  return isNaN(order) ? null : order;
};
