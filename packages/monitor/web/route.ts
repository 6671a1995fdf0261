/**
 * The page's address: `#/rollouts?run=demo&step=12&group=3&sample=1`. All that is shown is in it, so that a link shows
 * the same.
 */

import type { ChangeRow, ChangeWindows } from "../src/dashboard/dashboard-api";

export type PageName = "runs" | "overview" | "sources" | "source" | "changes" | "evaluation" | "rollouts" | "compare";
const PAGES: readonly PageName[] = [
  "runs",
  "overview",
  "sources",
  "source",
  "changes",
  "evaluation",
  "rollouts",
  "compare",
];

export interface Route {
  readonly page: PageName;
  readonly query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { page: PAGES.find((page) => page === path) ?? "runs", query: new URLSearchParams(query) };
}

export type RouteParameters = Readonly<Record<string, string | number | null | undefined>>;

export function linkTo(page: PageName, parameters: RouteParameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  return `#/${page}?${query}`;
}

/** The same page with some parameters changed; null takes one away. */
export function linkWith({ page, query }: Route, changes: RouteParameters): string {
  return linkTo(page, { ...Object.fromEntries(query), ...changes });
}

/** Two windows as parameters of the changes page and of the server. */
export function windowParameters({ before, after }: ChangeWindows): Readonly<Record<string, number>> {
  return { beforeFrom: before.from, beforeTo: before.to, afterFrom: after.from, afterTo: after.to };
}

/** The windows of the changes page's address; undefined without all four of their ends. */
export function askedWindows(query: URLSearchParams): ChangeWindows | undefined {
  const numbers = ["beforeFrom", "beforeTo", "afterFrom", "afterTo"].map((name) => query.get(name));
  if (numbers.some((text) => text === null || text === "")) return undefined;
  const [a, b, c, d] = numbers.map(Number) as [number, number, number, number];
  return { before: { from: a, to: b }, after: { from: c, to: d } };
}

/** The row whose answers are shown; undefined for all rows. */
export function askedAnswers(query: URLSearchParams): Pick<ChangeRow, "scope" | "name"> | undefined {
  const name = query.get("name");
  const scope = query.get("scope");
  return name !== null && (scope === "source" || scope === "task" || scope === "all") ? { scope, name } : undefined;
}
