/**
 * Whether two constants are equal that cannot both be written out within the limits, or are beyond doubles: by their
 * sizes, then by their residues modulo a large prime. No wrong answer is so large that it cannot be told from the gold
 * answer, and what equals a large gold answer is found equal.
 */
import { BudgetError } from "../budget";
import { areClose, isDefined } from "../evaluation/complex";
import type { Calculator } from "../evaluation/calculator";
import { areApart, isInfinite } from "../evaluation/magnitude";
import type { Expression } from "../tree/expression";

/** Part of the remaining steps that each way of telling may take. */
const SHARE = 0.4;

/**
 * @param chop the distance that is overlooked between doubles, for what nothing else settles
 * @throws BudgetError when nothing does
 */
export function sameLargeConstant(calculator: Calculator, a: Expression, b: Expression, chop: number): boolean {
  const { budget } = calculator;
  const x = budget.attempt(SHARE, () => calculator.magnitude(a));
  const y = budget.attempt(SHARE, () => calculator.magnitude(b));
  if (x && y) {
    if (areApart(x, y)) return false;
    if (isInfinite(x) || isInfinite(y)) return x.low === y.low && x.sign === y.sign;
  }
  const proven = sameResidues(calculator, a, b);
  if (proven !== null) return proven;
  const [p, q] = [calculator.nearValue(a), calculator.nearValue(b)];
  if (isDefined(p) && isDefined(q)) return areClose(p, q, chop);
  throw new BudgetError("bits");
}

/** Whether residues prove that two trees are equal, or that they differ; null where they prove neither. */
export function sameResidues(calculator: Calculator, a: Expression, b: Expression): boolean | null {
  const agree = (residue: (x: Expression) => bigint | null): boolean | null => {
    const x = calculator.budget.attempt(SHARE, () => residue(a)) ?? null;
    const y = calculator.budget.attempt(SHARE, () => residue(b)) ?? null;
    return x === null || y === null ? null : x === y;
  };
  const proven = agree(calculator.residue);
  if (proven !== null) return proven;
  return agree(calculator.residueWithUnknowns) === true ? true : null;
}
