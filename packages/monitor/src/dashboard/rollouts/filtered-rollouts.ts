/** What the list of rollouts shows of rows in memory, in the order that the server has. */
import type { RolloutFilter, RolloutPage, RolloutSummary } from "../dashboard-api";

/** Orders with a direction; a row without the value comes last. */
const ORDERS: Readonly<
  Record<NonNullable<RolloutFilter["order"]>, readonly [value: (row: RolloutSummary) => number | null, sign: number]>
> = {
  group: [() => 0, 1],
  reward: [({ reward }) => reward, 1],
  "-reward": [({ reward }) => reward, -1],
  length: [({ responseTokens }) => responseTokens, 1],
  "-length": [({ responseTokens }) => responseTokens, -1],
};

/** @param rows with their whole response */
export function filteredRollouts(
  rows: readonly (RolloutSummary & { readonly response: string })[],
  filter: RolloutFilter,
): RolloutPage {
  const { step, source, status, truncated, offset = 0, limit = 100 } = filter;
  const { rewardFrom = -Infinity, rewardTo = Infinity, lengthFrom = 0, lengthTo = Infinity } = filter;
  const text = (filter.text ?? "").toLowerCase();
  const byReward = rewardFrom !== -Infinity || rewardTo !== Infinity;
  const [valueOf, sign] = ORDERS[filter.order ?? "group"];
  const place = (row: RolloutSummary): number => {
    const value = valueOf(row);
    return value === null ? Infinity : sign * value;
  };
  const found = rows
    .filter(
      (row) =>
        (step === undefined || row.step === step) &&
        (!source || row.source === source) &&
        (!status || row.status === status) &&
        (!truncated || row.truncated) &&
        (!byReward || (row.reward !== null && row.reward >= rewardFrom && row.reward <= rewardTo)) &&
        (row.responseTokens ?? 0) >= lengthFrom &&
        (row.responseTokens ?? 0) <= lengthTo &&
        row.response.toLowerCase().includes(text),
    )
    .sort((a, b) => {
      const [first, second] = [place(a), place(b)];
      const by = first === second ? 0 : first - second;
      return by || b.step - a.step || a.group - b.group || a.sample - b.sample;
    });
  return { rows: found.slice(offset, offset + limit), total: found.length };
}
