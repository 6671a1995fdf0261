/**
 * Replaces one part of a tree by another, wherever it stands.
 */
import { type Expression, mapParts, same } from "../expression";

/** `x` with every occurrence of `from` replaced by `to`; the variables of sums, integrals and the like stay. */
export const substitute = (x: Expression, from: Expression, to: Expression): Expression => {
  if (same(x, from)) return to;
  const changed = mapParts(x, (part) => substitute(part, from, to));
  return "variable" in x ? { ...(changed as typeof x), variable: x.variable } : changed;
};
