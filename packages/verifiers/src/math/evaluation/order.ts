/**
 * Which of two constant trees is the larger real number.
 */
import { abs, isNaN } from "../floats";
import type { Expression } from "../expression";
import { compare } from "../rational";
import { isDefined, isReal } from "./complex";
import { evaluateExactly } from "./exact";
import { approximate } from "./numeric";

/** Below 0, 0 or above 0; null when the two hold symbols, are not real, or cannot be told apart. */
export const compareReals = (a: Expression, b: Expression): number | null => {
  const [x, y] = [evaluateExactly(a), evaluateExactly(b)];
  if (x && y) return compare(x, y);
  const [p, q] = [approximate(a), approximate(b)];
  const difference = p.re === q.re ? 0 : p.re - q.re;
  if (!isReal(p) || !isReal(q) || isNaN(difference)) return null;
  return isDefined(p) && isDefined(q) && abs(difference) <= p.error + q.error ? 0 : difference;
};
