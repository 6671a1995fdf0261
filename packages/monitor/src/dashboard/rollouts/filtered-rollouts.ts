/** Which rows in memory the list of rollouts shows, in the order that the server has. */
import type { RolloutFilter, RolloutPage, RolloutSummary } from "../dashboard-api";

/** What a rollout is found and ordered by, but for what the answer says. */
export type ListedRollout = Pick<
  RolloutSummary,
  "step" | "group" | "sample" | "source" | "status" | "truncated" | "reward" | "responseTokens"
>;

/** Orders with a direction; a row without the value comes last. */
const ORDERS: Readonly<
  Record<NonNullable<RolloutFilter["order"]>, readonly [value: (row: ListedRollout) => number | null, sign: number]>
> = {
  group: [() => 0, 1],
  reward: [({ reward }) => reward, 1],
  "-reward": [({ reward }) => reward, -1],
  length: [({ responseTokens }) => responseTokens, 1],
  "-length": [({ responseTokens }) => responseTokens, -1],
};

/** Whether the filter finds a row, whatever the answer says. */
export function matchesNumbers(row: ListedRollout, filter: RolloutFilter): boolean {
  const { step, source, status, truncated } = filter;
  const { rewardFrom = -Infinity, rewardTo = Infinity, lengthFrom = 0, lengthTo = Infinity } = filter;
  const byReward = rewardFrom !== -Infinity || rewardTo !== Infinity;
  return (
    (step === undefined || row.step === step) &&
    (!source || row.source === source) &&
    (!status || row.status === status) &&
    (!truncated || row.truncated) &&
    (!byReward || (row.reward !== null && row.reward >= rewardFrom && row.reward <= rewardTo)) &&
    (row.responseTokens ?? 0) >= lengthFrom &&
    (row.responseTokens ?? 0) <= lengthTo
  );
}

export const matchesText = (response: string, { text = "" }: RolloutFilter): boolean =>
  response.toLowerCase().includes(text.toLowerCase());

/** The part of what is found that the filter asks for, in its order. */
export function pageOf<Row extends ListedRollout>(
  found: readonly Row[],
  { order = "group", offset = 0, limit = 100 }: RolloutFilter,
): Row[] {
  const [valueOf, sign] = ORDERS[order];
  const place = (row: Row): number => {
    const value = valueOf(row);
    return value === null ? Infinity : sign * value;
  };
  return found
    .toSorted((a, b) => {
      const [first, second] = [place(a), place(b)];
      const by = first === second ? 0 : first - second;
      return by || b.step - a.step || a.group - b.group || a.sample - b.sample;
    })
    .slice(offset, offset + limit);
}

/** @param rows with their whole response */
export function filteredRollouts(
  rows: readonly (RolloutSummary & { readonly response: string })[],
  filter: RolloutFilter,
): RolloutPage {
  const found = rows.filter((row) => matchesNumbers(row, filter) && matchesText(row.response, filter));
  return { rows: pageOf(found, filter), total: found.length };
}
