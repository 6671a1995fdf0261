/**
 * Equations and inequalities against each other.
 */
import {
  type Expression,
  type RelationNode,
  type RelationOperator,
  isCall,
  isChain,
  isOpaque,
  isSet,
  isTuple,
  negative,
  sum,
} from "../tree/expression";
import { same } from "../tree/identity";
import { isRelation, onlySymbolOf, relationsOf, symbolKey } from "../tree/structure";
import { childrenOf, holds } from "../tree/traversal";
import { exactly } from "../evaluation/complex";
import type { Comparison } from "./comparison";
import { INCOMPARABLE } from "./incomparable";
import { sameValue } from "./values";
import { sameZeros } from "./zero-sets";

const FLIPPED: Readonly<Partial<Record<RelationOperator, RelationOperator>>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/**
 * Whether two relations, or chains of them, are equal one by one.
 *
 * @throws INCOMPARABLE, BudgetError
 */
export function equalRelations(comparison: Comparison, g: Expression, p: Expression): boolean {
  const [left, right] = [relationsOf(g), relationsOf(p)];
  if (isChain(g) !== isChain(p)) return false;
  if (!left.every((item, i) => !right[i] || equalRelation(comparison, item, right[i]))) return false;
  if (left.length !== right.length) throw INCOMPARABLE;
  return true;
}

function equalRelation(comparison: Comparison, g: RelationNode, p: RelationNode): boolean {
  // Sets and tuples cannot be subtracted; the reference is left with solving, which needs numbers.
  const isNoNumber = (side: Expression): boolean => isSet(side) || isTuple(side) || isRelation(side) || isOpaque(side);
  if ([...childrenOf(g), ...childrenOf(p)].some(isNoNumber)) return g.operator === "=" && same(g, p);
  const [x, y] = [difference(g), difference(p)];
  // SymPy evaluates the differences, so a constant one is a number and is compared as one.
  if (g.operator === p.operator && sameValue(comparison, x, y)) return true;
  if (g.operator === "!=") throw INCOMPARABLE;
  const flipped = FLIPPED[g.operator] ?? g.operator;
  if (flipped === p.operator && sameValue(comparison, x, negative(y))) return true;
  if (g.operator !== "=" || p.operator !== "=") return false;
  // Two equations in one real unknown without any solution count as equal (both solution lists are empty): x²+1=0 and
  // x²+2=0.
  return sameZeros(comparison, x, y) || (neverZero(comparison, x) && neverZero(comparison, y));
}

function difference(x: RelationNode): Expression {
  return sum(x.left, negative(x.right));
}

/** Whether a function of one real symbol keeps well away from 0 at places near and far. */
function neverZero({ budget, calculator }: Comparison, x: Expression): boolean {
  const unknown = onlySymbolOf(budget, x);
  if (!unknown?.real || holds(x, isCall)) return false;
  let side = 0;
  for (let i = -80; i <= 80; i++) {
    const steps = Math.abs(i);
    const place = Math.sign(i) * (steps <= 40 ? steps / 4 : 10 * 2 ** (steps - 40));
    const { re, im } = calculator.approximate(x, new Map([[symbolKey(unknown), exactly(place)]]));
    if (im !== 0 || !Number.isFinite(re) || Math.abs(re) <= 1e-3 || re * side < 0) return false;
    side = Math.sign(re);
  }
  return true;
}
