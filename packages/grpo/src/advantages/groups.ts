/**
 * Which rollouts answer the same prompt, and what their scored members look like. A rollout without a score (its
 * verdict was skipped or failed) is `null`: it takes no part in any mean, deviation or count, so leaving it out does
 * not bias its group, and its own advantage is 0.
 */

/** A reward, or `null` for a rollout that was not scored. */
export type Reward = number | null;

/** What names a rollout's prompt. */
export type GroupId = string | number;

/** The scored members of one group. */
export interface ScoredGroup {
  /** Positions in the batch. */
  readonly rows: readonly number[];
  /** Their rewards, same order. */
  readonly rewards: readonly number[];
}

/**
 * Collects the scored rollouts of each group, in order of first appearance.
 * @throws RangeError when lengths differ or a reward is NaN or infinite (an unscored rollout is null)
 */
export function scoredGroups(rewards: ArrayLike<Reward>, groups: ArrayLike<GroupId>): ScoredGroup[] {
  if (rewards.length !== groups.length) {
    throw new RangeError(`rewards and groups must be equally long, found ${rewards.length} and ${groups.length}`);
  }
  const byId = new Map<GroupId, { rows: number[]; rewards: number[] }>();
  for (let i = 0; i < rewards.length; i++) {
    const reward = rewards[i]!;
    if (reward === null) continue;
    if (!Number.isFinite(reward)) {
      throw new RangeError(`rewards[${i}] must be finite, found ${reward}; a rollout without a score is null`);
    }
    const id = groups[i]!;
    let group = byId.get(id);
    if (!group) byId.set(id, (group = { rows: [], rewards: [] }));
    group.rows.push(i);
    group.rewards.push(reward);
  }
  return [...byId.values()];
}

/** Arithmetic mean; exact where all values are equal. */
export function meanOf(values: readonly number[]): number {
  const first = values[0] ?? 0;
  let sum = 0;
  for (const value of values) sum += value - first;
  return first + sum / Math.max(1, values.length);
}

/** Sample standard deviation (n - 1); 0 for fewer than two values. */
export function deviationOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** Whether every value is the same: such a group says nothing about what to prefer. */
export function allEqual(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}
