/**
 * Whether two trees are written the same, and sets, which hold nothing twice.
 */
import { EMPTY_SET, type Expression, type NamedSetNode, type SetNode, isFiniteSet, isTree } from "./expression";

/** Finite set without structural repeats; the empty list is the empty set. */
export function finiteSet(written: readonly Expression[]): SetNode | NamedSetNode {
  if (written.length === 0) return EMPTY_SET;
  const keys = new Set<string>();
  const set: SetNode = {
    kind: "set",
    items: written.filter((item) => keys.size < keys.add(keyOf(item)).size),
    written,
  };
  setKeys.set(set, keyOfItems([...keys]));
  return set;
}

/**
 * Whether two trees are written the same (sums and products in the same order; sets in any), part by part, whatever
 * their kinds.
 */
export function same(a: unknown, b: unknown): boolean {
  if (a === b || a !== Object(a)) return a === b;
  if (isSetNode(a)) return keyOf(a) === keyOf(b);
  const [parts, others] = [a, b] as Readonly<Record<string, unknown>>[];
  for (const name in parts) if (!same(parts[name], others?.[name])) return false;
  return parts!["length"] === others?.["length"];
}

/**
 * Of sets, which stand within sets: without it the key of the innermost of many would be made again for each set around
 * it.
 */
const setKeys = new WeakMap<SetNode, string>();
function keyOfItems(keys: string[]): string {
  return `(${keys.sort()})`;
}

/** A string that two trees share exactly when `same` holds of them. */
export function keyOf(part: unknown): string {
  if (typeof part === "string") return JSON.stringify(part);
  if (typeof part !== "object") return `${part as bigint}`;
  if (isSetNode(part)) return setKeys.get(part) ?? keyOfItems(part.items.map(keyOf));
  let key = "(";
  for (const name in part) key += `${keyOf(part[name as keyof typeof part])},`;
  return `${key})`;
}

function isSetNode(part: unknown): part is SetNode {
  return isTree(part) && isFiniteSet(part);
}
