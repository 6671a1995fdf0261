import type { DashboardProblem } from "../dashboard-error";
import type { Dashboard } from "../server/start-dashboard";

/** What the dashboard's thread reports. */
export type ThreadMessage =
  | ({ readonly type: "started" } & Omit<Dashboard, "close">)
  | { readonly type: "failed"; readonly problem: DashboardProblem };
