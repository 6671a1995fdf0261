/**
 * Matrices are worked out while they are read: sums and products become one matrix of (unevaluated) entries. Every entry is charged as
 * soon as it is made, since a short text can ask for many long ones.
 */
import {
  type Expression,
  type MatrixNode,
  charged,
  flatSum,
  negative,
  product,
  sum,
  isMatrix,
  matrix,
} from "../expression";
import { spend } from "../budget";
import { unbuildable } from "./token-reader";

type Row = readonly Expression[];
type Rows = readonly Row[];

/** Rows as a matrix; unbuildable when they differ in length. */
export const makeMatrix = (rows: Rows): Expression =>
  rows.every((row) => row.length === rows[0]!.length) ? matrix(rows) : unbuildable();

export const columnsOf = (rows: Rows): Rows => {
  spend(rows.length * rows[0]!.length);
  return rows[0]!.map((_, j) => rows.map((row) => row[j]!));
};

/** Sum of two matrices; unbuildable when their shapes differ or one is none. */
export const addMatrices = (a: Expression, b: Expression): Expression =>
  isMatrix(a) && isMatrix(b) && a.rows.length === b.rows.length && a.rows[0]!.length === b.rows[0]!.length
    ? matrix(a.rows.map((row, i) => row.map((x, j) => charged(sum(x, b.rows[i]![j]!)))))
    : unbuildable();

/** Product of two trees: matrices are multiplied at once, by scalars too; unbuildable when the shapes do not fit. */
export const multiply = (a: Expression, b: Expression): Expression => {
  if (!isMatrix(a)) return isMatrix(b) ? scale(b, a) : product(a, b);
  if (!isMatrix(b)) return scale(a, b);
  const columns = columnsOf(b.rows);
  spend(a.rows.length * columns.length * b.rows.length);
  return a.rows[0]!.length === b.rows.length
    ? matrix(a.rows.map((row) => columns.map((column) => charged(flatSum(row.map((x, i) => product(x, column[i]!)))))))
    : unbuildable();
};

const scale = (of: MatrixNode, factor: Expression): Expression =>
  matrix(of.rows.map((row) => row.map((x) => charged(product(factor, x)))));

/** Determinant by cofactors for up to 5 rows (larger ones do not occur in answers); unbuildable when not square or larger. */
export const determinant = (x: Expression): Expression =>
  isMatrix(x) && x.rows.length === x.rows[0]!.length && x.rows.length < 6 ? charged(cofactors(x.rows)) : unbuildable();

const cofactors = (rows: Rows): Expression =>
  rows.length > 1
    ? flatSum(
        rows[0]!.map((x, j) => {
          const entry = product(x, cofactors(rows.slice(1).map((row) => row.filter((_, k) => k !== j))));
          return j % 2 > 0 ? negative(entry) : entry;
        }),
      )
    : rows[0]![0]!;
