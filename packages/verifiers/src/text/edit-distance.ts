/**
 * Levenshtein distance of two sequences: the fewest insertions, deletions and substitutions that turn one into the
 * other (Levenshtein 1966; the two-row form of Wagner & Fischer 1974). Time |a| · |b|, memory the shorter.
 */

/** Cells that one distance may fill; two texts of 8,000 characters. */
export const DISTANCE_BUDGET = 1 << 26;

/**
 * The distance, or undefined when it would cost more than {@link DISTANCE_BUDGET}.
 *
 * @example editDistance([..."kitten"], [..."sitting"]) // 3
 */
export function editDistance<T>(a: readonly T[], b: readonly T[]): number | undefined {
  let start = 0;
  let [endA, endB] = [a.length, b.length];
  while (start < endA && start < endB && a[start] === b[start]) start++;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) [endA, endB] = [endA - 1, endB - 1];
  const [long, short] =
    endA >= endB ? [a.slice(start, endA), b.slice(start, endB)] : [b.slice(start, endB), a.slice(start, endA)];
  if (long.length * short.length > DISTANCE_BUDGET) return undefined;
  // Elements become numbers once, so that the inner loop compares integers.
  const codes = new Map<T, number>();
  const encode = (items: readonly T[]) =>
    Int32Array.from(items, (item) => codes.get(item) ?? (codes.set(item, codes.size), codes.size - 1));
  const [rows, columns] = [encode(long), encode(short)];
  const row = Int32Array.from({ length: columns.length + 1 }, (_, i) => i);
  for (let i = 0; i < rows.length; i++) {
    let diagonal = row[0] as number;
    row[0] = i + 1;
    let left = i + 1;
    for (let j = 1; j <= columns.length; j++) {
      const above = row[j] as number;
      const substituted = diagonal + (rows[i] === columns[j - 1] ? 0 : 1);
      left = Math.min(substituted, above + 1, left + 1);
      row[j] = left;
      diagonal = above;
    }
  }
  return row[columns.length] as number;
}
