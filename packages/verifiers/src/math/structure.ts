/**
 * Questions about how a tree is built, which decide the way Math-Verify 0.9 compares it.
 */
import { type ChainNode, type Expression, type RelationNode, type SymbolNode, childrenOf, isSymbol, isPow, isNumber, isDerivative, isConstant, isPercent, isOpaque, isSingleRelation, isChain, isIntegral } from "./expression";

/** Built of symbols alone (`x`, `AB`, `A/S`, `f(x)`, `(x, y)`, `|AB|`): such a left side makes an equation an assignment. */
export const onlySymbols = (x: Expression): boolean => {
  if (isSymbol(x)) return true;
  if (isPow(x) && isNumber(x.exponent) && x.exponent.value.n === -1n && x.exponent.value.d === 1n) {
    const parts = childrenOf(x.base);
    if (isSymbol(x.base) || (parts.length > 0 && parts.every(onlySymbols))) return true;
  }
  if (isDerivative(x) || isNumber(x) || isConstant(x) || isPercent(x) || isOpaque(x)) return false;
  const parts = childrenOf(x);
  return parts.length > 0 && parts.every(onlySymbols);
};

export const isRelation = (x: Expression): x is RelationNode | ChainNode => isSingleRelation(x) || isChain(x);

/** An equation, or a chain of equations. */
export const isEquation = (x: Expression): x is RelationNode | ChainNode => {
  if (isSingleRelation(x)) return x.operator === "=";
  return isChain(x) && x.items.every((item) => item.operator === "=");
};

/** An equation whose (first) left side is made of symbols alone: `x = 1`, `x = 1 + 1 = 2`. */
export const isAssignment = (x: Expression): boolean => isEquation(x) && onlySymbols(firstRelation(x).left);

export const firstRelation = (x: RelationNode | ChainNode): RelationNode => (isChain(x) ? x.items[0]! : x);
export const lastRelation = (x: RelationNode | ChainNode): RelationNode => (isChain(x) ? x.items[x.items.length - 1]! : x);

/** Names of the free symbols with their reality, in the order first met: `x` and a complex `x` are two. */
export const freeSymbols = (x: Expression, found: Map<string, boolean> = new Map()): Map<string, boolean> => {
  if (isSymbol(x)) {
    found.set(symbolKey(x), x.real);
    return found;
  }
  if (x.kind === "sum" || x.kind === "product" || isIntegral(x) || x.kind === "limit") {
    const inner = freeSymbols(x.body);
    const bound = !isIntegral(x) || x.lower !== null;
    const own = symbolKey(x.variable);
    for (const [name, real] of inner) if (!bound || name !== own) found.set(name, real);
    if (x.lower !== null) freeSymbols(x.lower, found);
    if (x.upper !== null) freeSymbols(x.upper, found);
    return found;
  }
  for (const part of childrenOf(x)) freeSymbols(part, found);
  return found;
};

/** The key a symbol has in an evaluation's environment. */
export const symbolKey = (x: SymbolNode): string => (x.real ? x.name : `${x.name}\u0000`);
