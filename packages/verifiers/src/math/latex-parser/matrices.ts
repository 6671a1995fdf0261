/**
 * Matrices are worked out while they are read: sums and products become one matrix of (unevaluated) entries.
 */
import { type Expression, type MatrixNode, integerNode, product, sum } from "../expression";

/** Rows of equal length as a matrix; null when they are not. */
export function makeMatrix(rows: readonly (readonly Expression[])[]): MatrixNode | null {
  const width = rows[0]?.length ?? 0;
  return rows.every((row) => row.length === width) ? { kind: "matrix", rows } : null;
}

/** Sum of two matrices of one shape; null for anything else. */
export function addMatrices(a: Expression, b: Expression): MatrixNode | null {
  if (a.kind !== "matrix" || b.kind !== "matrix") return null;
  if (a.rows.length !== b.rows.length || a.rows[0]!.length !== b.rows[0]!.length) return null;
  return { kind: "matrix", rows: a.rows.map((row, i) => row.map((x, j) => sum(x, b.rows[i]![j]!))) };
}

/** Product of two matrices, or of a matrix and a scalar; null when the shapes do not fit. */
export function multiplyWithMatrix(a: Expression, b: Expression): MatrixNode | null {
  if (a.kind !== "matrix") return b.kind === "matrix" ? scale(b, a) : null;
  if (b.kind !== "matrix") return scale(a, b);
  if (a.rows[0]!.length !== b.rows.length) return null;
  const columns = b.rows[0]!.map((_, j) => b.rows.map((row) => row[j]!));
  return { kind: "matrix", rows: a.rows.map((row) => columns.map((column) => dot(row, column))) };
}

function scale(matrix: MatrixNode, factor: Expression): MatrixNode {
  return { kind: "matrix", rows: matrix.rows.map((row) => row.map((x) => product(factor, x))) };
}

function dot(a: readonly Expression[], b: readonly Expression[]): Expression {
  let total: Expression = product(a[0]!, b[0]!);
  for (let i = 1; i < a.length; i++) total = sum(total, product(a[i]!, b[i]!));
  return total;
}

/** Determinant by cofactors for up to 5 rows (larger ones do not occur in answers); null when not square or larger. */
export function determinant(matrix: Expression): Expression | null {
  if (matrix.kind !== "matrix" || matrix.rows.length !== matrix.rows[0]!.length || matrix.rows.length > 5) return null;
  return cofactors(matrix.rows);
}

function cofactors(rows: readonly (readonly Expression[])[]): Expression {
  if (rows.length === 1) return rows[0]![0]!;
  let total: Expression | null = null;
  for (let j = 0; j < rows.length; j++) {
    const minor = rows.slice(1).map((row) => row.filter((_, k) => k !== j));
    const entry = product(rows[0]![j]!, cofactors(minor));
    const signed = j % 2 === 0 ? entry : product(integerNode(-1), entry);
    total = total === null ? signed : sum(total, signed);
  }
  return total!;
}
