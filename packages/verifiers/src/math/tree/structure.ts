/**
 * Questions about how a tree is built, which decide the way Math-Verify 0.9 compares it.
 */
import type { Budget } from "../budget";
import {
  type BinderNode,
  type ChainNode,
  type Expression,
  type PowNode,
  type RelationNode,
  type SymbolNode,
  isChain,
  isDerivative,
  isIntegral,
  isPow,
  isNumber,
  isSingleRelation,
  isSymbol,
} from "./expression";
import { childrenOf } from "./traversal";
import { toNumber } from "../rational";

/**
 * Built of symbols alone (`x`, `AB`, `A/S`, `f(x)`, `(x, y)`, `|AB|`): such a left side makes an equation an
 * assignment.
 */
export function onlySymbols(x: Expression): boolean {
  return !isDerivative(x) && madeOfSymbols(exponentOf(x) === -1 ? (x as PowNode).base : x);
}

function madeOfSymbols(x: Expression): boolean {
  return isSymbol(x) || (childrenOf(x).length > 0 && childrenOf(x).every(onlySymbols));
}

/** The exponent of a power that is a number; else not a number. */
export function exponentOf(x: Expression): number {
  return isPow(x) && isNumber(x.exponent) ? toNumber(x.exponent.value) : NaN;
}

export function isRelation(x: Expression): x is RelationNode | ChainNode {
  return isSingleRelation(x) || isChain(x);
}

/** The relations of a chain in the order written; of a single relation itself; of other trees none. */
export function relationsOf(x: Expression): readonly RelationNode[] {
  return isChain(x) ? x.items : isSingleRelation(x) ? [x] : [];
}

/** An equation, or a chain of equations. */
export function isEquation(x: Expression): boolean {
  return isRelation(x) && relationsOf(x).every((item) => item.operator === "=");
}

/** An equation whose (first) left side is made of symbols alone: `x = 1`, `x = 1 + 1 = 2`. */
export function isAssignment(x: Expression): boolean {
  return isEquation(x) && onlySymbols(relationsOf(x)[0]!.left);
}

/** The key a symbol has in an evaluation's environment: `x` and a complex `x` are two. */
export function symbolKey({ name, real }: SymbolNode): string {
  return real ? name : `${name}\u0000`;
}

/** Whether a symbol stands free in a tree. */
export function depends(budget: Budget, x: Expression, variable: SymbolNode): boolean {
  return freeSymbols(budget, x).has(symbolKey(variable));
}

/** What a sum, product, integral or limit goes between: its parts after the body and the variable. */
export function endsOf(x: BinderNode): readonly Expression[] {
  return childrenOf(x).slice(2);
}

/** The free symbols by their keys, in the order first met. */
export function freeSymbols(
  budget: Budget,
  x: Expression,
  found: Map<string, SymbolNode> = new Map(),
): Map<string, SymbolNode> {
  budget.spend(1);
  if (isSymbol(x)) {
    found.set(symbolKey(x), x);
  } else if ("body" in x && !isDerivative(x)) {
    const bound = isIntegral(x) && !x.lower ? "" : symbolKey(x.variable);
    for (const [key, symbol] of freeSymbols(budget, x.body)) if (key !== bound) found.set(key, symbol);
    for (const end of endsOf(x)) freeSymbols(budget, end, found);
  } else {
    for (const part of childrenOf(x)) freeSymbols(budget, part, found);
  }
  return found;
}

/** The symbol of a tree that has one. */
export function onlySymbolOf(budget: Budget, x: Expression): SymbolNode | null {
  const [symbol, ...others] = freeSymbols(budget, x).values();
  return symbol && others.length === 0 ? symbol : null;
}
