/**
 * Items of a set in ascending order.
 */
import type { Expression } from "../tree/expression";
import { compare } from "../rational";
import type { Comparison } from "./comparison";
import { constantValue } from "./constants";

/**
 * Items in ascending order when all are real constants within doubles, else null.
 *
 * @param valueOf what of an item counts
 */
export function sortedByValue(
  comparison: Comparison,
  items: readonly Expression[],
  valueOf: (item: Expression) => Expression,
): Expression[] | null {
  const valued = items.map((item) => {
    const [exact, near] = constantValue(comparison, valueOf(item));
    return { item, exact, near: near.re };
  });
  if (valued.some(({ near }) => Number.isNaN(near))) return null;
  return valued
    .sort((a, b) => (a.exact && b.exact ? compare(a.exact, b.exact) : a.near - b.near || 0))
    .map(({ item }) => item);
}
