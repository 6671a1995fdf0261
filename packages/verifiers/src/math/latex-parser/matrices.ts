/**
 * Matrices are worked out while they are read: sums and products become one matrix of (unevaluated) entries. Every
 * entry is charged as soon as it is made, since a short text can ask for many long ones.
 */
import type { Budget } from "../budget";
import {
  type Expression,
  type MatrixNode,
  flatSum,
  isMatrix,
  matrix,
  negative,
  product,
  sum,
} from "../tree/expression";
import { charged } from "../tree/traversal";
import type { LatexReader } from "./latex-reader";

type Row = readonly Expression[];
type Rows = readonly Row[];

/** Rows as a matrix; unbuildable when they differ in length. */
export function makeMatrix(reader: LatexReader, rows: Rows): Expression {
  return rows.every((row) => row.length === rows[0]!.length) ? matrix(rows) : reader.unbuildable();
}

export function columnsOf(budget: Budget, rows: Rows): Rows {
  budget.spend(rows.length * rows[0]!.length);
  return rows[0]!.map((_, j) => rows.map((row) => row[j]!));
}

/** Sum of two matrices; unbuildable if their shapes differ or one is not a matrix. */
export function addMatrices(reader: LatexReader, a: Expression, b: Expression): Expression {
  const haveOneShape =
    isMatrix(a) && isMatrix(b) && a.rows.length === b.rows.length && a.rows[0]!.length === b.rows[0]!.length;
  if (!haveOneShape) return reader.unbuildable();
  return matrix(a.rows.map((row, i) => row.map((x, j) => charged(reader.budget, sum(x, b.rows[i]![j]!)))));
}

/** Product of two trees: matrices are multiplied at once, by scalars too; unbuildable when the shapes do not fit. */
export function multiply(reader: LatexReader, a: Expression, b: Expression): Expression {
  const { budget } = reader;
  if (!isMatrix(a)) return isMatrix(b) ? scale(budget, b, a) : product(a, b);
  if (!isMatrix(b)) return scale(budget, a, b);
  const columns = columnsOf(budget, b.rows);
  budget.spend(a.rows.length * columns.length * b.rows.length);
  if (a.rows[0]!.length !== b.rows.length) return reader.unbuildable();
  const entry = (row: Row, column: Row): Expression => flatSum(row.map((x, i) => product(x, column[i]!)));
  return matrix(a.rows.map((row) => columns.map((column) => charged(budget, entry(row, column)))));
}

/** A matrix with every entry behind a factor. */
export function scale(budget: Budget, of: MatrixNode, factor: Expression): Expression {
  return matrix(of.rows.map((row) => row.map((x) => charged(budget, product(factor, x)))));
}

/**
 * Determinant by cofactors for up to 5 rows (larger ones do not occur in answers); unbuildable when not square or
 * larger.
 */
export function determinant(reader: LatexReader, x: Expression): Expression {
  const isSmallSquare = isMatrix(x) && x.rows.length === x.rows[0]!.length && x.rows.length < 6;
  return isSmallSquare ? charged(reader.budget, cofactors(x.rows)) : reader.unbuildable();
}

function cofactors(rows: Rows): Expression {
  const [first, ...rest] = rows as readonly [Row, ...Row[]];
  if (rest.length === 0) return first[0]!;
  return flatSum(
    first.map((x, j) => {
      const entry = product(x, cofactors(rest.map((row) => row.filter((_, k) => k !== j))));
      return j % 2 > 0 ? negative(entry) : entry;
    }),
  );
}
