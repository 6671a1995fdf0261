/** Matrices entry by entry; a row or a column is also a tuple. */
import { readMatrix, readTuple } from "../types/collections";
import { type Comparison, type SamePart, verdict } from "./comparison";

export function compareMatrix(
  gold: readonly (readonly string[])[],
  answer: string,
  same: SamePart,
): Comparison | undefined {
  const sameRow = (row: readonly string[], other: readonly string[]): boolean =>
    row.length === other.length && row.every((entry, i) => same(entry, other[i]!));
  const rows = readMatrix(answer);
  if (rows !== undefined) {
    const equal = rows.length === gold.length && gold.every((row, i) => sameRow(row, rows[i]!));
    return verdict(equal, "matrix", "the entries are compared one by one");
  }
  const isVector = gold.length === 1 || gold[0]!.length === 1;
  const items = isVector ? readTuple(answer)?.items : undefined;
  return items && verdict(sameRow(gold.flat(), items), "tuple", "the entries are compared one by one");
}
