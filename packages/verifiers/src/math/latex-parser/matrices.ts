/**
 * Matrices are worked out while they are read: sums and products become one matrix of (unevaluated) entries.
 */
import { type Expression, type MatrixNode, integerNode, product, sum, isMatrix, matrix } from "../expression";

/** Rows of equal length as a matrix; null when they are not. */
export const makeMatrix = (rows: readonly (readonly Expression[])[]): MatrixNode | null => {
  const width = rows[0]?.length ?? 0;
  return rows.every((row) => row.length === width) ? matrix(rows) : null;
};

/** Sum of two matrices of one shape; null for anything else. */
export const addMatrices = (a: Expression, b: Expression): MatrixNode | null => {
  if (!isMatrix(a) || !isMatrix(b)) return null;
  if (a.rows.length !== b.rows.length || a.rows[0]!.length !== b.rows[0]!.length) return null;
  return matrix(a.rows.map((row, i) => row.map((x, j) => sum(x, b.rows[i]![j]!))));
};

/** Product of two matrices, or of a matrix and a scalar; null when the shapes do not fit. */
export const multiplyWithMatrix = (a: Expression, b: Expression): MatrixNode | null => {
  if (!isMatrix(a)) return isMatrix(b) ? scale(b, a) : null;
  if (!isMatrix(b)) return scale(a, b);
  if (a.rows[0]!.length !== b.rows.length) return null;
  const columns = b.rows[0]!.map((_, j) => b.rows.map((row) => row[j]!));
  return matrix(a.rows.map((row) => columns.map((column) => dot(row, column))));
};

const scale = (of: MatrixNode, factor: Expression): MatrixNode => matrix(of.rows.map((row) => row.map((x) => product(factor, x))));

const dot = (a: readonly Expression[], b: readonly Expression[]): Expression => {
  let total: Expression = product(a[0]!, b[0]!);
  for (let i = 1; i < a.length; i++) total = sum(total, product(a[i]!, b[i]!));
  return total;
};

/** Determinant by cofactors for up to 5 rows (larger ones do not occur in answers); null when not square or larger. */
export const determinant = (matrix: Expression): Expression | null => {
  if (!isMatrix(matrix) || matrix.rows.length !== matrix.rows[0]!.length || matrix.rows.length > 5) return null;
  return cofactors(matrix.rows);
};

const cofactors = (rows: readonly (readonly Expression[])[]): Expression => {
  if (rows.length === 1) return rows[0]![0]!;
  let total: Expression | null = null;
  for (let j = 0; j < rows.length; j++) {
    const minor = rows.slice(1).map((row) => row.filter((_, k) => k !== j));
    const entry = product(rows[0]![j]!, cofactors(minor));
    const signed = j % 2 === 0 ? entry : product(integerNode(-1), entry);
    total = total === null ? signed : sum(total, signed);
  }
  return total!;
};
