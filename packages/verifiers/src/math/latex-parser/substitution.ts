/**
 * Replaces one part of a tree by another, wherever it stands.
 */
import { type Expression, replaceParts, same } from "../expression";

/** `x` with every occurrence of `from` replaced by `to`; the variables of sums, integrals and the like stay. */
export const substitute = (x: Expression, from: Expression, to: Expression): Expression =>
  replaceParts(x, (part) => (same(part, from) ? to : undefined));
