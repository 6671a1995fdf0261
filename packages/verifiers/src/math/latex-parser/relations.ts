/**
 * Equations and inequalities, and chains of them.
 */
import {
  type Expression,
  type RelationNode,
  type RelationOperator,
  isChain,
  isSingleRelation,
  relation,
} from "../tree/expression";
import { onlySymbols } from "../tree/structure";
import { charged } from "../tree/traversal";
import type { LatexReader } from "./latex-reader";

const OPERATOR = /^([=<>!]=?|in|approx)$/;

/** What follows the first side; that side itself when no relation does. */
export function parseRelation(reader: LatexReader, first: Expression): Expression {
  let left = first;
  for (;;) {
    const operator = reader.peek();
    if (!OPERATOR.test(operator)) return left;
    reader.take();
    reader.countWrap();
    const right = reader.expression();
    if (operator === "in") left = reader.unbuildable();
    else if (operator !== "approx") left = chain(left, operator === "==" ? "=" : (operator as RelationOperator), right);
    else if (onlySymbols(charged(reader.budget, left))) left = right;
  }
}

/** Extends a chain: `a < b` then `< c` adds `b < c`. */
function chain(left: Expression, operator: RelationOperator, right: Expression): Expression {
  const links = isChain(left) ? left.items : isSingleRelation(left) ? [left] : [];
  const last: RelationNode | undefined = links[links.length - 1];
  const link = relation(operator, last ? last.right : left, right);
  return last ? { kind: "chain", items: [...links, link] } : link;
}
