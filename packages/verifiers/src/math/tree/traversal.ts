/**
 * Walks over trees: their parts, and trees with parts replaced.
 */
import type { Budget } from "../budget";
import { type Expression, isFiniteSet, isTree } from "./expression";
import { finiteSet, same } from "./identity";

/**
 * A tree with every part replaced for which there is a replacement; the variables of sums, integrals and the like stay.
 */
export function replaceParts(
  budget: Budget,
  x: Expression,
  replacement: (part: Expression) => Expression | undefined,
): Expression {
  budget.spend(4);
  const whole = replacement(x);
  if (whole !== undefined) return whole;
  const replaced = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(replaced);
    return isTree(part) ? replaceParts(budget, part, replacement) : part;
  };
  // A set holds its parts twice: one pass over what is written keeps sets within sets from taking 2^depth steps.
  if (isFiniteSet(x)) return finiteSet(replaced(x.written) as Expression[]);
  const parts = Object.entries(x).map(([name, part]) => [name, name === "variable" ? part : replaced(part)]);
  return Object.fromEntries(parts) as unknown as Expression;
}

/** `x` with every occurrence of `from` replaced by `to`; the variables of sums, integrals and the like stay. */
export function substitute(budget: Budget, x: Expression, from: Expression, to: Expression): Expression {
  return replaceParts(budget, x, (part) => (same(part, from) ? to : undefined));
}

/** The direct parts of a tree, in reading order; of a set without the repeats. */
export function childrenOf(x: Expression): readonly Expression[] {
  if ("args" in x) return x.args;
  return "items" in x ? x.items : partsIn(x, []);
}

/** Asked of every node again and again, so that no lists are made on the way. */
function partsIn(x: object, found: Expression[]): Expression[] {
  for (const name in x) {
    const part: unknown = x[name as keyof typeof x];
    if (isTree(part)) found.push(part);
    else if (Array.isArray(part)) partsIn(part, found);
  }
  return found;
}

/** Whether a tree or any part of it passes a test. */
export function holds(x: Expression, test: (part: Expression) => boolean): boolean {
  return test(x) || childrenOf(x).some((part) => holds(part, test));
}

/** Levels that a tree can be walked down by functions that call themselves, wherever they are called from. */
const DEEPEST = 300;

/**
 * Takes steps for every node of a tree, for where reading says a part of the text several times: products of matrices,
 * determinants and values at two places would otherwise double a tree with every few characters, or make it too deep to
 * walk.
 *
 * @throws BudgetError when the tree is larger or deeper than an answer can be
 */
export function charged<T extends Expression>(budget: Budget, x: T, depth = 0): T {
  budget.spend(depth < DEEPEST ? 20 : Infinity);
  for (const part of childrenOf(x)) charged(budget, part, depth + 1);
  return x;
}
