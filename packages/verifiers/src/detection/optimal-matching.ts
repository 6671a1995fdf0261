/**
 * Optimal assignment: the one-to-one matching of equal labels with IoU ≥ ε whose sum of IoUs is largest.
 *
 * Shortest augmenting paths with potentials (Kuhn 1955, Munkres 1957, in the O(n² m) form of Jonker & Volgenant 1987)
 * on the cost −IoU; a pair that may not be matched costs 0, so that leaving a box alone is always allowed.
 *
 * Greedy label-first can lose a match that this finds: when the only good box of a second gold was the best of the
 * first.
 */
import type { BoxMatch } from "./greedy-matching";
import type { PairOverlaps } from "./pair-overlaps";

/** Steps that one optimal matching may take: min(n, m)² · max(n, m). */
export const ASSIGNMENT_BUDGET = 1 << 28;

/** The cost of {@link matchOptimal} for these numbers of boxes. */
export function assignmentCost(predictions: number, golds: number): number {
  return predictions * golds * Math.min(predictions, golds);
}

/**
 * Matches optimally at threshold ε.
 *
 * @returns the matches in the order of the gold boxes
 * @throws RangeError when the problem is over {@link ASSIGNMENT_BUDGET}
 */
export function matchOptimal(overlaps: PairOverlaps, epsilon: number): BoxMatch[] {
  const { predictions, golds, iou, sameLabel } = overlaps;
  if (assignmentCost(predictions, golds) > ASSIGNMENT_BUDGET)
    throw new RangeError(
      `matchOptimal: ${predictions} predictions × ${golds} gold boxes are too many for an optimal assignment; use a greedy matching`,
    );
  const gain = (prediction: number, gold: number): number => {
    const at = prediction * golds + gold;
    return sameLabel[at] === 1 && (iou[at] as number) >= epsilon ? (iou[at] as number) : 0;
  };
  const swap = golds > predictions;
  const rows = swap ? predictions : golds;
  const columns = swap ? golds : predictions;
  const columnOfRow = assign(rows, columns, (row, column) => -(swap ? gain(row, column) : gain(column, row)));
  const matches: BoxMatch[] = [];
  for (let row = 0; row < rows; row++) {
    const column = columnOfRow[row] as number;
    const [prediction, gold] = swap ? [row, column] : [column, row];
    const overlap = gain(prediction, gold);
    if (overlap > 0) matches.push({ prediction, gold, iou: overlap, overlap });
  }
  return matches.sort((a, b) => a.gold - b.gold);
}

/** Assigns every row a column of its own at least total cost; rows ≤ columns. Indices are shifted by one inside. */
function assign(rows: number, columns: number, cost: (row: number, column: number) => number): Int32Array {
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowOfColumn = new Int32Array(columns + 1);
  const previous = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    rowOfColumn[0] = row;
    const shortest = new Float64Array(columns + 1).fill(Infinity);
    const visited = new Uint8Array(columns + 1);
    let column = 0;
    do {
      visited[column] = 1;
      const current = rowOfColumn[column] as number;
      let delta = Infinity;
      let next = 0;
      for (let candidate = 1; candidate <= columns; candidate++) {
        if (visited[candidate] === 1) continue;
        const reduced =
          cost(current - 1, candidate - 1) - (rowPotential[current] as number) - (columnPotential[candidate] as number);
        if (reduced < (shortest[candidate] as number)) {
          shortest[candidate] = reduced;
          previous[candidate] = column;
        }
        if ((shortest[candidate] as number) < delta) {
          delta = shortest[candidate] as number;
          next = candidate;
        }
      }
      for (let at = 0; at <= columns; at++) {
        if (visited[at] === 1) {
          const owner = rowOfColumn[at] as number;
          rowPotential[owner] = (rowPotential[owner] as number) + delta;
          columnPotential[at] = (columnPotential[at] as number) - delta;
        } else shortest[at] = (shortest[at] as number) - delta;
      }
      column = next;
    } while (rowOfColumn[column] !== 0);
    while (column !== 0) {
      const before = previous[column] as number;
      rowOfColumn[column] = rowOfColumn[before] as number;
      column = before;
    }
  }
  const columnOfRow = new Int32Array(rows);
  for (let column = 1; column <= columns; column++) {
    const row = rowOfColumn[column] as number;
    if (row > 0) columnOfRow[row - 1] = column - 1;
  }
  return columnOfRow;
}
