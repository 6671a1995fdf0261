/**
 * Which of two constant trees is the larger real number.
 */
import type { Budget } from "../budget";
import type { Expression } from "../expression";
import { compare } from "../rational";
import { evaluateExactly } from "./exact";
import { isDefined } from "./complex";
import { approximate } from "./numeric";

const NOWHERE = new Map<string, never>();

/** -1, 0 or 1; null when the two hold symbols, are not real, or cannot be told apart. */
export function compareReals(a: Expression, b: Expression, budget: Budget): number | null {
  if (a.kind === "number" && b.kind === "number") return compare(a.value, b.value);
  const [x, y] = [evaluateExactly(a, null, budget), evaluateExactly(b, null, budget)];
  if (x !== null && y !== null) return compare(x, y);
  const [p, q] = [approximate(a, NOWHERE, budget), approximate(b, NOWHERE, budget)];
  if (p.im !== 0 || q.im !== 0 || Number.isNaN(p.re) || Number.isNaN(q.re)) return null;
  if (p.re === q.re || (isDefined(p) && isDefined(q) && Math.abs(p.re - q.re) <= p.error + q.error)) return 0;
  return p.re < q.re ? -1 : 1;
}
