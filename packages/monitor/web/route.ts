/**
 * The page's address: `#/rollouts?run=demo&step=12&group=3&sample=1`. All that is shown is in it, so that a link shows
 * the same.
 */

import type { ChangeWindows } from "../src/dashboard/dashboard-api";

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
