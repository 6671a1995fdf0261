/**
 * Whether two constants are equal that cannot both be written out within the limits, or are beyond doubles: by their sizes, then by
 * their residues modulo a large prime. No wrong answer is so large that it cannot be told from the gold answer, and what equals a large
 * gold answer is found equal.
 */
import { BudgetError, attemptWithin } from "../budget";
import type { Expression } from "../expression";
import { type Approximation, isDefined } from "../evaluation/complex";
import { areApart, isInfinite, magnitudeOf, nearValue } from "../evaluation/magnitude";
import { residueOf, residueWithUnknowns } from "../evaluation/residue";

/** Part of the remaining steps that each way of telling may take. */
const SHARE = 0.4;

/** Whether residues prove that two trees are equal, or that they differ; null where they prove neither. */
export const sameResidues = (a: Expression, b: Expression): boolean | null => {
  const provenBy = (residue: (x: Expression) => bigint | null): boolean | null => {
    const [x, y] = [a, b].map((tree) => attemptWithin(SHARE, () => residue(tree)) ?? null);
    return x === null || y === null ? null : x === y;
  };
  return provenBy(residueOf) ?? (provenBy(residueWithUnknowns) || null);
};

/**
 * @param closeTo whether two values agree as doubles, for what nothing else settles
 * @throws BudgetError when nothing does
 */
export const sameLargeConstant = (
  a: Expression,
  b: Expression,
  closeTo: (x: Approximation, y: Approximation) => boolean,
): boolean => {
  const sizes = [a, b].map((x) => attemptWithin(SHARE, () => magnitudeOf(x)));
  const [x, y] = sizes;
  if (x && y) {
    if (areApart(x, y)) return false;
    if (isInfinite(x) || isInfinite(y)) return x.low === y.low && x.sign === y.sign;
  }
  const proven = sameResidues(a, b);
  if (proven !== null) return proven;
  const [p, q] = [nearValue(a), nearValue(b)];
  if (isDefined(p) && isDefined(q)) return closeTo(p, q);
  throw new BudgetError("bits");
};
