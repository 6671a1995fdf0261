/** What the page of rollouts shows, as its address says. */
import type { RolloutFilter } from "../src/dashboard/dashboard-api";

/** Rows of a page. */
export const ROLLOUT_ROWS = 100;

/** The group that is shown in full; undefined for the list. */
export function shownGroup(query: URLSearchParams): { readonly step: number; readonly group: number } | undefined {
  const [step, group] = [query.get("step"), query.get("group")];
  return step === null || group === null ? undefined : { step: Number(step), group: Number(group) };
}

/** @param step a number, or `any` */
export function rolloutFilter(query: URLSearchParams, step: string | null): RolloutFilter {
  const number = (name: string): number | undefined => (query.get(name) ? Number(query.get(name)) : undefined);
  return {
    step: step === "any" || step === null ? undefined : Number(step),
    source: query.get("source") ?? undefined,
    status: query.get("status") ?? undefined,
    truncated: query.get("truncated") === "true" ? true : undefined,
    rewardFrom: number("rewardFrom"),
    rewardTo: number("rewardTo"),
    lengthFrom: number("lengthFrom"),
    lengthTo: number("lengthTo"),
    text: query.get("text") ?? undefined,
    order: query.get("order") ?? undefined,
    offset: number("offset") ?? 0,
    limit: ROLLOUT_ROWS,
  } as RolloutFilter;
}
