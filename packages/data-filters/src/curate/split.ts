/**
 * A train/test split without leakage. Rows that share a picture (the same bytes under any name) or a normalized
 * question are one component, and a component goes to one side as a whole. The seed draws components until each source
 * has its share. A component that would take a source over its share stays in training, so that a test set is never
 * larger than the share.
 */
import { createHash } from "node:crypto";

/** A split, as a configuration states it. */
export interface SplitConfig {
  /** Share of each source's rows that becomes its test set, between 0 and 1. */
  readonly test: number;
  /** What must not be on both sides. Default: both. */
  readonly by?: readonly ("picture" | "question")[];
}

/** A row of the split. */
export interface SplitRow {
  readonly row: number;
  readonly source: string;
  /** What must not be on both sides. */
  readonly keys: readonly string[];
}

/**
 * Rows of the test side.
 *
 * @param share share of each source's rows, between 0 and 1
 */
export function testRows(rows: readonly SplitRow[], share: number, seed: number): Set<number> {
  const parent = new Int32Array(rows.length).map((_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] as number;
    for (let at = i; parent[at] !== root;) {
      const next = parent[at] as number;
      parent[at] = root;
      at = next;
    }
    return root;
  };
  const owner = new Map<string, number>();
  for (const [i, row] of rows.entries()) {
    for (const key of row.keys) {
      const other = owner.get(key);
      if (other === undefined) owner.set(key, i);
      else parent[find(i)] = find(other);
    }
  }
  const components = new Map<number, number[]>();
  const targets = new Map<string, number>();
  for (const [i, row] of rows.entries()) {
    const root = find(i);
    const members = components.get(root);
    if (members === undefined) components.set(root, [i]);
    else members.push(i);
    targets.set(row.source, (targets.get(row.source) ?? 0) + 1);
  }
  for (const [source, total] of targets) targets.set(source, Math.round(total * share));
  const drawn = [...components.values()]
    .map((members) => ({
      members,
      draw: createHash("md5")
        .update(`${seed}/${rows[members[0] as number]?.row}`)
        .digest("hex"),
    }))
    .sort((a, b) => (a.draw < b.draw ? -1 : 1));
  const test = new Set<number>();
  for (const { members } of drawn) {
    const need = new Map<string, number>();
    for (const i of members) {
      const { source } = rows[i] as SplitRow;
      need.set(source, (need.get(source) ?? 0) + 1);
    }
    if ([...need].some(([source, count]) => count > (targets.get(source) ?? 0))) continue;
    for (const [source, count] of need) targets.set(source, (targets.get(source) ?? 0) - count);
    for (const i of members) test.add((rows[i] as SplitRow).row);
  }
  return test;
}
