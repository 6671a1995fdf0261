/**
 * Which of two constant trees is the larger real number.
 */
import { abs, isNaN } from "../floats";
import { type Expression, isNumber } from "../expression";
import { compare } from "../rational";
import { evaluateExactly } from "./exact";
import { isDefined } from "./complex";
import { approximate } from "./numeric";

/** -1, 0 or 1; null when the two hold symbols, are not real, or cannot be told apart. */
export const compareReals = (a: Expression, b: Expression): number | null => {
  if (isNumber(a) && isNumber(b)) return compare(a.value, b.value);
  const [x, y] = [evaluateExactly(a), evaluateExactly(b)];
  if (x !== null && y !== null) return compare(x, y);
  const [p, q] = [approximate(a), approximate(b)];
  if (p.im !== 0 || q.im !== 0 || isNaN(p.re) || isNaN(q.re)) return null;
  if (p.re === q.re || (isDefined(p) && isDefined(q) && abs(p.re - q.re) <= p.error + q.error)) return 0;
  return p.re < q.re ? -1 : 1;
};
