/** Names before values: when two of them are of different things. */
import { isSymbol, labelKey } from "../types/labels";

/** The corner points that an angle, a side or a triangle is named by. */
const POINTS = /^m?(?:angle|triangle)?([A-Z]{1,4})$/;

/** x and y, AB and AC, ∠A and ∠B. Words before a value ("the area") name nothing in particular. */
export function isOtherName(gold: string, answer: string): boolean {
  const [left, right] = [labelKey(gold), labelKey(answer)];
  if (left === right) return false;
  const [points, others] = [POINTS.exec(left)?.[1], POINTS.exec(right)?.[1]];
  // ∠ABC is ∠CBA; ∠A may be ∠BAC, so that names of different length say nothing.
  if (points !== undefined && others !== undefined && points.length > 1)
    return points.length === others.length && [...points].reverse().join("") !== others;
  if (isSymbol(gold) && isSymbol(answer)) return true;
  return points !== undefined && others !== undefined && points.length === others.length;
}

/** y and f(x) are names of one thing, and so are the capitals of areas and volumes; f(x) and g(x) are two. */
export function isSameFunction(gold: string, answer: string): boolean {
  const [left, right] = [labelKey(gold), labelKey(answer)];
  if (/^[A-Z](?:_.*)?$/.test(left) && /^[A-Z](?:_.*)?$/.test(right)) return true;
  const isApplied = (label: string) => /^[a-zA-Z]\(.*\)$/.test(label);
  return (left === "y" && isApplied(right)) || (right === "y" && isApplied(left));
}
