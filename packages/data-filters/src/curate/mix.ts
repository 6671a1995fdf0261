/**
 * The number of rows of each source in the corpus. Without weights the mix is uniform: each row is as likely as any
 * other, so a source's share is its share of the rows. A weight multiplies that; a cap limits it. Counts are whole and
 * exact (largest remainder). What a source does not have goes to the others in proportion.
 */
import type { Task } from "@v-triune/schema";

/**
 * A mix, as a configuration states it. Keys of `weights` and `caps` are sources or tasks. A source's own key wins over
 * its task's.
 */
export interface MixConfig {
  /** Number of rows of the corpus. Default: all that the caps allow. */
  readonly size?: number;
  readonly weights?: Readonly<Record<string, number>>;
  readonly caps?: Readonly<Record<string, number>>;
}

/** The rows of a source that can be drawn. */
export interface MixSource {
  readonly source: string;
  readonly task: Task;
  readonly rows: number;
}

/**
 * Rows to draw from each source, in the given order.
 *
 * ```ts
 * const sources = [{ source: "a", task: "math", rows: 300 }, { source: "b", task: "ocr", rows: 100 }];
 * mixCounts(sources, { size: 40 }) // [30, 10]
 * ```
 */
export function mixCounts(sources: readonly MixSource[], mix: MixConfig): number[] {
  const setting = (
    table: Readonly<Record<string, number>> | undefined,
    { source, task }: MixSource,
  ): number | undefined => table?.[source] ?? table?.[task];
  const limits = sources.map((one) => Math.min(one.rows, mix.caps?.[one.source] ?? one.rows));
  limitTasks(sources, limits, mix.caps ?? {});
  const available = limits.reduce((sum, limit) => sum + limit, 0);
  const weights = sources.map((one) => one.rows * (setting(mix.weights, one) ?? 1));
  if (mix.size === undefined && mix.weights === undefined) return limits;
  return allocate(Math.min(mix.size ?? available, available), weights, limits);
}

/** A task's cap limits its sources together, in proportion to the rows that each has. */
function limitTasks(sources: readonly MixSource[], limits: number[], caps: Readonly<Record<string, number>>): void {
  for (const task of new Set(sources.map((one) => one.task))) {
    const cap = caps[task];
    if (cap === undefined) continue;
    const members = sources.flatMap((one, i) => (one.task === task && caps[one.source] === undefined ? [i] : []));
    const rows = members.map((i) => limits[i] ?? 0);
    const total = rows.reduce((sum, n) => sum + n, 0);
    const shares = allocate(Math.min(cap, total), rows, rows);
    for (const [k, i] of members.entries()) limits[i] = shares[k] ?? 0;
  }
}

/**
 * Whole numbers in proportion to `weights` that sum to `size`, none over its limit. `size` must be at most the sum of
 * the limits.
 */
function allocate(size: number, weights: readonly number[], limits: readonly number[]): number[] {
  const counts = limits.map(() => 0);
  let open = limits.map((_, i) => i).filter((i) => (limits[i] ?? 0) > 0 && (weights[i] ?? 0) > 0);
  let left = size;
  // Sources that would exceed their limit get their limit, and the others share the rest.
  for (;;) {
    const total = open.reduce((sum, i) => sum + (weights[i] ?? 0), 0);
    const full = open.filter((i) => ((weights[i] ?? 0) / total) * left >= (limits[i] ?? 0));
    if (full.length === 0 || open.length === 0) break;
    for (const i of full) {
      counts[i] = limits[i] ?? 0;
      left -= limits[i] ?? 0;
    }
    open = open.filter((i) => !full.includes(i));
  }
  const total = open.reduce((sum, i) => sum + (weights[i] ?? 0), 0);
  const exact = open.map((i) => ({ i, value: ((weights[i] ?? 0) / total) * left }));
  for (const { i, value } of exact) counts[i] = Math.floor(value);
  let rest = left - exact.reduce((sum, { value }) => sum + Math.floor(value), 0);
  exact.sort((a, b) => b.value - Math.floor(b.value) - (a.value - Math.floor(a.value)) || a.i - b.i);
  for (const { i } of exact) {
    if (rest <= 0) break;
    if ((counts[i] ?? 0) < (limits[i] ?? 0)) {
      counts[i] = (counts[i] ?? 0) + 1;
      rest--;
    }
  }
  return counts;
}
