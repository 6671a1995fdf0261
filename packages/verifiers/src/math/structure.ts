/**
 * Questions about how a tree is built, which decide the way Math-Verify 0.9 compares it.
 */
import { spend } from "./budget";
import {
  type BinderNode,
  type ChainNode,
  type Expression,
  type PowNode,
  type RelationNode,
  type SymbolNode,
  childrenOf,
  isChain,
  isDerivative,
  isIntegral,
  isPow,
  isNumber,
  isSingleRelation,
  isSymbol,
} from "./expression";
import { toNumber } from "./rational";

/** Built of symbols alone (`x`, `AB`, `A/S`, `f(x)`, `(x, y)`, `|AB|`): such a left side makes an equation an assignment. */
export const onlySymbols = (x: Expression): boolean =>
  !isDerivative(x) && madeOfSymbols(exponentOf(x) === -1 ? (x as PowNode).base : x);

const madeOfSymbols = (x: Expression): boolean =>
  isSymbol(x) || (childrenOf(x).length > 0 && childrenOf(x).every(onlySymbols));

/** The exponent of a power that is a number; else not a number. */
export const exponentOf = (x: Expression): number =>
  isPow(x) && isNumber(x.exponent) ? toNumber(x.exponent.value) : NaN;

export const isRelation = (x: Expression): x is RelationNode | ChainNode => isSingleRelation(x) || isChain(x);

/** The relations of a chain in the order written; of a single relation itself; of other trees none. */
export const relationsOf = (x: Expression): readonly RelationNode[] =>
  isChain(x) ? x.items : isSingleRelation(x) ? [x] : [];

/** An equation, or a chain of equations. */
export const isEquation = (x: Expression): boolean =>
  isRelation(x) && relationsOf(x).every((item) => item.operator === "=");

/** An equation whose (first) left side is made of symbols alone: `x = 1`, `x = 1 + 1 = 2`. */
export const isAssignment = (x: Expression): boolean => isEquation(x) && onlySymbols(relationsOf(x)[0]!.left);

/** The key a symbol has in an evaluation's environment: `x` and a complex `x` are two. */
export const symbolKey = ({ name, real }: SymbolNode): string => (real ? name : `${name}\u0000`);

/** Whether a symbol stands free in a tree. */
export const depends = (x: Expression, variable: SymbolNode): boolean => freeSymbols(x).has(symbolKey(variable));

/** What a sum, product, integral or limit goes between: its parts after the body and the variable. */
export const endsOf = (x: BinderNode): readonly Expression[] => childrenOf(x).slice(2);

/** The free symbols by their keys, in the order first met. */
export const freeSymbols = (x: Expression, found: Map<string, SymbolNode> = new Map()): Map<string, SymbolNode> => {
  spend(1);
  if (isSymbol(x)) found.set(symbolKey(x), x);
  else if ("body" in x && !isDerivative(x)) {
    const bound = isIntegral(x) && !x.lower ? "" : symbolKey(x.variable);
    for (const [key, symbol] of freeSymbols(x.body)) if (key !== bound) found.set(key, symbol);
    for (const end of endsOf(x)) freeSymbols(end, found);
  } else for (const part of childrenOf(x)) freeSymbols(part, found);
  return found;
};
