/**
 * The page's address: `#/rollouts?run=demo&step=12&group=3&sample=1`. All that is shown is in it, so that a link shows
 * the same.
 */

export type PageName = "runs" | "overview" | "sources" | "source" | "evaluation" | "rollouts" | "compare";
const PAGES: readonly PageName[] = ["runs", "overview", "sources", "source", "evaluation", "rollouts", "compare"];

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
